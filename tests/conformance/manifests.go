package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kubejson "k8s.io/apimachinery/pkg/util/json"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
	kubelib "istio.io/istio/pkg/kube"
)

// manifests are the objects of some files.
type manifests struct {
	objects []*unstructured.Unstructured
	// The mesh's configuration as YAML.
	mesh string
	// The networks of the mesh as YAML.
	networks string
}

const (
	domain           = "cluster.local"
	defaultNamespace = "default"
	istioNamespace   = "istio-system"
)

func readFiles(files []string) (*manifests, error) {
	out := &manifests{}
	for _, file := range files {
		text, err := readFile(file)
		if err != nil {
			return nil, err
		}
		if err := out.read(text); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return out, nil
}

func readFile(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(file)
}

// read adds the objects of one file.
func (m *manifests) read(text []byte) error {
	decoder := kubeyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 1<<16)
	for {
		var document runtime.RawExtension
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		object := map[string]any{}
		if len(document.Raw) > 0 && !bytes.Equal(document.Raw, []byte("null")) {
			// This decoder keeps whole numbers whole, which rules in CEL insist on.
			if err := kubejson.Unmarshal(document.Raw, &object); err != nil {
				return err
			}
		}
		if len(object) > 0 {
			m.add(&unstructured.Unstructured{Object: object})
		}
	}
}

func (m *manifests) add(object *unstructured.Unstructured) {
	if items, ok := object.Object["items"].([]any); ok && strings.HasSuffix(object.GetKind(), "List") {
		for _, item := range items {
			if item, ok := item.(map[string]any); ok {
				m.add(&unstructured.Unstructured{Object: item})
			}
		}
		return
	}
	kind := object.GetKind()
	if object.GetNamespace() == "" && kind != "Namespace" && kind != "Node" && kind != "GatewayClass" {
		object.SetNamespace(defaultNamespace)
	}
	if kind == "ConfigMap" && object.GetName() == "istio" && object.GetNamespace() == istioNamespace {
		m.mesh, _, _ = unstructured.NestedString(object.Object, "data", "mesh")
		m.networks, _, _ = unstructured.NestedString(object.Object, "data", "meshNetworks")
	}
	m.objects = append(m.objects, object)
}

// isIstio says whether Istio's own types describe the object.
func isIstio(object *unstructured.Unstructured) bool {
	group := object.GroupVersionKind().Group
	return group == "istio.io" || strings.HasSuffix(group, ".istio.io")
}

// config is an object of Istio's own types as Pilot's store holds it.
func configOf(object *unstructured.Unstructured) (resource.Schema, *config.Config, error) {
	gvk := object.GroupVersionKind()
	schema, ok := collections.All.FindByGroupVersionAliasesKind(resource.FromKubernetesGVK(&gvk))
	if !ok {
		return nil, nil, fmt.Errorf("unrecognized type %v", gvk)
	}
	text, err := json.Marshal(object.Object)
	if err != nil {
		return nil, nil, err
	}
	var kind crd.IstioKind
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, nil, err
	}
	out, err := crd.ConvertObject(schema, &kind, domain)
	if err != nil {
		return nil, nil, err
	}
	if out.CreationTimestamp.IsZero() {
		// The store would take the time of day. Without one, objects are as old as can be, and equally so.
		out.CreationTimestamp = time.Unix(1, 0)
	}
	return schema, out, nil
}

// typed is an object of Kubernetes or the Gateway API as its clients hold it.
func typed(object *unstructured.Unstructured) (runtime.Object, error) {
	text, err := json.Marshal(object.Object)
	if err != nil {
		return nil, err
	}
	out, _, err := kubelib.IstioCodec.UniversalDeserializer().Decode(text, nil, nil)
	return out, err
}

func describe(object *unstructured.Unstructured) string {
	return fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())
}
