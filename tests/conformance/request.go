package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Request is one question.
type Request struct {
	// Ask is xds, validate, analyze or conditions.
	Ask string `json:"ask"`
	// Proxy is namespace/pod.
	Proxy string `json:"proxy,omitempty"`
	// Mesh is a file with the mesh's configuration.
	Mesh string `json:"mesh,omitempty"`
	// Files are read in order.
	Files []string `json:"files"`
}

// answer answers a request from its files.
func (r Request) answer() (any, error) {
	manifests, err := readFiles(r.Files)
	if err != nil {
		return nil, err
	}
	if r.Mesh != "" {
		text, err := os.ReadFile(r.Mesh)
		if err != nil {
			return nil, err
		}
		manifests.mesh = string(text)
	}
	switch r.Ask {
	case "xds":
		return xdsOf(manifests, r.Proxy)
	case "validate":
		return validate(manifests)
	case "analyze":
		return analyzeFiles(r.Files, manifests.mesh)
	case "conditions":
		return conditionsOf(manifests)
	default:
		return nil, fmt.Errorf("unknown request: %s", r.Ask)
	}
}

// serve answers requests, a line each, in order.
func serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<24)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		var request Request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			return err
		}
		answer, err := request.answer()
		if err != nil {
			answer = map[string]string{"error": err.Error()}
		}
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}
