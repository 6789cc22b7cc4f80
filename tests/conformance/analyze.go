package main

import (
	"bytes"
	"os"

	"istio.io/istio/pkg/config/analysis/analyzers"
	"istio.io/istio/pkg/config/analysis/local"
)

// analyze is `istioctl analyze --use-kube=false`, but that pods and the like are looked at too, as in a cluster.
func analyze(files []string, m *manifests) (any, error) {
	analyzer := local.NewIstiodAnalyzer(analyzers.AllCombined(), "", istioNamespace, nil)
	if m.mesh != "" {
		file, err := os.CreateTemp("", "mesh")
		if err != nil {
			return nil, err
		}
		defer os.Remove(file.Name())
		if _, err := file.WriteString(m.mesh); err != nil {
			return nil, err
		}
		if err := analyzer.AddFileKubeMeshConfig(file.Name()); err != nil {
			return nil, err
		}
	}
	if err := analyzer.AddDefaultResources(); err != nil {
		return nil, err
	}
	var readers []local.ReaderSource
	for _, file := range files {
		text, err := readFile(file)
		if err != nil {
			return nil, err
		}
		readers = append(readers, local.ReaderSource{Name: file, Reader: bytes.NewReader(text)})
	}
	var unread []string
	if err := analyzer.AddTestReaderKubeSource(readers); err != nil {
		unread = single(err)
	}
	stop := make(chan struct{})
	defer close(stop)
	result, err := analyzer.Analyze(stop)
	if err != nil {
		return nil, err
	}
	messages := make([]map[string]any, 0, len(result.Messages))
	for _, message := range result.Messages {
		seen := message.Unstructured(true)
		delete(seen, "documentationUrl")
		messages = append(messages, seen)
	}
	return map[string]any{"unread": unread, "messages": messages}, nil
}
