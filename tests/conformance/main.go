// Command pilot says what Istio's own code makes of manifests: what Pilot sends to a proxy, what the webhook and the
// schemas of the custom resources say of each object, and what istioctl's analyzers find.
//
// It is the source of the recorded answers that the tests of the control plane compare with.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"

	_ "conformance/quiet"

	istiolog "istio.io/istio/pkg/log"
)

const usage = `pilot: what Istio's own code makes of manifests

  pilot xds -proxy NAMESPACE/POD -f FILE...    listeners, routes, clusters and endpoints of a proxy, as Envoy's JSON
  pilot validate -f FILE...                    the webhook's and the schemas' verdict on each object
  pilot analyze -f FILE...                     what istioctl analyze finds
  pilot conditions -f FILE...                  the status conditions of Gateway API objects
  pilot record-verdicts FILE...                writes what validate says of each file beside it, a line a verdict
  pilot record-findings FILE...                the same for analyze, of files with several cases
  pilot serve                                  answers requests, a line of JSON each, from the standard input:
                                               {"ask": "xds", "proxy": "default/client-0", "files": ["a.yaml"]}
  pilot version                                the version of Istio

Files are read in order, as one set of manifests. Pods of Deployments and StatefulSets are made up as meshsim makes them
up (names, addresses), and so are addresses of Services and EndpointSlices. A ConfigMap named istio, or -mesh FILE, is
the mesh's configuration. A pod is a gateway (a proxy of type router) if it is annotated
inject.istio.io/templates: gateway, or has a container istio-proxy with an argument router.
Objects that the webhook refuses are left out, as a cluster would, and named in the answer as "refused".
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pilot:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	silence()
	flags := flag.NewFlagSet("pilot "+args[0], flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	var files list
	request := Request{Ask: args[0]}
	flags.Var(&files, "f", "a file of manifests")
	flags.StringVar(&request.Proxy, "proxy", "", "namespace/pod")
	flags.StringVar(&request.Mesh, "mesh", "", "a file with the mesh's configuration")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	request.Files = append(files, flags.Args()...)
	switch args[0] {
	case "serve":
		return serve(os.Stdin, os.Stdout)
	case "record-verdicts":
		return each(request.Files, recordVerdicts)
	case "record-findings":
		return each(request.Files, recordFindings)
	case "version":
		fmt.Println(istioVersion())
		return nil
	case "help", "-h", "--help":
		fmt.Print(usage)
		return nil
	}
	answer, err := request.answer()
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(answer)
}

// istioVersion is the version of the module that the command was built with.
func istioVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == "istio.io/istio" {
			return module.Version
		}
	}
	return "unknown"
}

// silence keeps Istio's log off the terminal.
func silence() {
	options := istiolog.DefaultOptions()
	options.OutputPaths = []string{"stderr"}
	options.SetDefaultOutputLevel(istiolog.OverrideScopeName, istiolog.NoneLevel)
	_ = istiolog.Configure(options)
}

type list []string

func (l *list) String() string { return fmt.Sprint(*l) }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}
