package main

import (
	"bytes"
	"fmt"
	"os"

	"istio.io/istio/pkg/config/analysis/analyzers"
	"istio.io/istio/pkg/config/analysis/diag"
	"istio.io/istio/pkg/config/analysis/local"
)

// Analysis is what istioctl finds in manifests.
type Analysis struct {
	// Unread is what it could not read.
	Unread   []string  `json:"unread,omitempty"`
	Findings []Finding `json:"findings"`
}

// Finding is one message of istioctl's.
type Finding struct {
	Level string `json:"level"`
	Code  string `json:"code"`
	// Object is its kind, namespace and name, if it is about one.
	Object string `json:"object,omitempty"`
	// Line is where in its file, if the analyzer says so.
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// analyzeFiles analyzes files as one set of manifests.
func analyzeFiles(files []string, mesh string) (*Analysis, error) {
	var sources []local.ReaderSource
	for _, file := range files {
		text, err := readFile(file)
		if err != nil {
			return nil, err
		}
		sources = append(sources, local.ReaderSource{Name: file, Reader: bytes.NewReader(text)})
	}
	return analyze(sources, mesh)
}

// analyze is `istioctl analyze` on a cluster that has just these objects.
func analyze(sources []local.ReaderSource, mesh string) (*Analysis, error) {
	analyzer := local.NewIstiodAnalyzer(analyzers.AllCombined(), "", istioNamespace, nil)
	if mesh != "" {
		if err := configure(analyzer, mesh); err != nil {
			return nil, err
		}
	}
	var analysis Analysis
	if err := analyzer.AddTestReaderKubeSource(sources); err != nil {
		analysis.Unread = single(err)
	}
	stop := make(chan struct{})
	defer close(stop)
	result, err := analyzer.Analyze(stop)
	if err != nil {
		return nil, err
	}
	for _, message := range result.Messages {
		analysis.Findings = append(analysis.Findings, findingOf(message))
	}
	return &analysis, nil
}

// configure hands over the mesh's configuration, which istioctl reads from a file only.
func configure(analyzer *local.IstiodAnalyzer, mesh string) error {
	file, err := os.CreateTemp("", "mesh")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(mesh); err != nil {
		return err
	}
	return analyzer.AddFileKubeMeshConfig(file.Name())
}

func findingOf(message diag.Message) Finding {
	finding := Finding{
		Level:   message.Type.Level().String(),
		Code:    message.Type.Code(),
		Line:    message.Line,
		Message: fmt.Sprintf(message.Type.Template(), message.Parameters...),
	}
	if message.Resource != nil {
		finding.Object = message.Resource.Origin.FriendlyName()
	}
	return finding
}
