package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"istio.io/istio/pkg/config/analysis/local"
)

// each does something with each file.
func each(files []string, do func(file string) error) error {
	for _, file := range files {
		if err := do(file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

const (
	schemaHead = `# What the schema of Istio's CRDs (%s, crd-all.gen.yaml) refuses, or what its types cannot hold;
# and why. All else is taken.
`
	webhookHead = `# What Istio's own validation says (%s, pkg/config/validation).
`
	findingsHead = `# What istioctl's analyzers (%s, pkg/config/analysis) find in each case, by line where they name one.
`
)

// recordVerdicts writes beside a corpus what the schemas refuse of it, and what validation says of its objects.
func recordVerdicts(file string) error {
	manifests, err := readFiles([]string{file})
	if err != nil {
		return err
	}
	verdicts, err := validate(manifests)
	if err != nil {
		return err
	}
	var schema, webhook strings.Builder
	fmt.Fprintf(&schema, schemaHead, revision())
	fmt.Fprintf(&webhook, webhookHead, revision())
	for _, verdict := range verdicts {
		switch {
		case verdict.Schema != "":
			fmt.Fprintf(&schema, "%s refused %s\n", verdict.name, oneLine(verdict.Schema))
		case verdict.Undecoded != "":
			fmt.Fprintf(&schema, "%s refused %s\n", verdict.name, oneLine(verdict.Undecoded))
		}
		for _, text := range verdict.Errors {
			fmt.Fprintf(&webhook, "%s error %s\n", verdict.name, oneLine(text))
		}
		for _, text := range verdict.Warnings {
			fmt.Fprintf(&webhook, "%s warning %s\n", verdict.name, oneLine(text))
		}
	}
	if err := os.WriteFile(beside(file, ".schema.txt"), []byte(schema.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(beside(file, ".webhook.txt"), []byte(webhook.String()), 0o644)
}

// caseMark begins a case; its name follows.
const caseMark = "# case: "

// recordFindings writes beside a file of cases what the analyzers find in each.
func recordFindings(file string) error {
	text, err := readFile(file)
	if err != nil {
		return err
	}
	var out strings.Builder
	fmt.Fprintf(&out, findingsHead, revision())
	for _, text := range strings.Split(string(text), caseMark)[1:] {
		name, manifests, _ := strings.Cut(text, "\n")
		source := local.ReaderSource{Name: "case.yaml", Reader: strings.NewReader(manifests)}
		analysis, err := analyze([]local.ReaderSource{source}, "")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(analysis.Unread) > 0 {
			return fmt.Errorf("%s: %v", name, analysis.Unread)
		}
		var lines []string
		for _, finding := range analysis.Findings {
			lines = append(lines, fmt.Sprintf("%s: %s\n", name, finding.line()))
		}
		slices.Sort(lines)
		out.WriteString(strings.Join(lines, ""))
	}
	return os.WriteFile(beside(file, ".txt"), []byte(out.String()), 0o644)
}

func (f Finding) line() string {
	object, line := "-", "-"
	if f.Object != "" {
		object = f.Object
	}
	if f.Line != 0 {
		line = fmt.Sprint(f.Line)
	}
	return fmt.Sprintf("%s %s %s line %s: %s", f.Level, f.Code, object, line, oneLine(f.Message))
}

// oneLine is a message without what makes it differ from run to run: protobuf prints messages with one blank or two.
func oneLine(text string) string {
	text = strings.ReplaceAll(text, "\n", "; ")
	if printsMessage.MatchString(text) {
		text = blanks.ReplaceAllString(text, " ")
	}
	return text
}

var (
	printsMessage = regexp.MustCompile("port (name must be set|number must be 0)")
	blanks        = regexp.MustCompile(" +")
)

// beside is the name of a file's record.
func beside(file, suffix string) string {
	return strings.TrimSuffix(file, ".yaml") + suffix
}

// revision names Istio's commit.
func revision() string {
	version := istioVersion()
	return "istio/istio at " + version[strings.LastIndex(version, "-")+1:]
}
