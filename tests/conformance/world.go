package main

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/gvr"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/kclient/clienttest"
	"istio.io/istio/pkg/test"
)

// world is what Pilot would find in a cluster that the manifests were applied to.
type world struct {
	mesh    *meshconfig.MeshConfig
	pods    []*corev1.Pod
	objects []runtime.Object
	configs []config.Config
	refused []string
}

func newWorld(m *manifests) (*world, error) {
	mesh, err := meshOf(m)
	if err != nil {
		return nil, err
	}
	pods, err := podsOf(m, "")
	if err != nil {
		return nil, err
	}
	services, err := servicesOf(m)
	if err != nil {
		return nil, err
	}
	w := &world{mesh: mesh, pods: pods}
	for _, pod := range pods {
		w.objects = append(w.objects, pod)
	}
	for _, service := range services {
		w.objects = append(w.objects, service)
		for _, slice := range slicesOf(service, pods) {
			w.objects = append(w.objects, slice)
		}
	}
	for _, object := range m.objects {
		switch kind := object.GetKind(); {
		case isIstio(object):
			schema, config, err := configOf(object)
			if err == nil {
				_, err = schema.ValidateConfig(*config)
			}
			if err != nil {
				w.refused = append(w.refused, fmt.Sprintf("%s: %v", describe(object), err))
				continue
			}
			w.configs = append(w.configs, *config)
		case kind == "Pod" || kind == "Service" || kind == "Deployment" || kind == "StatefulSet" || kind == "ReplicaSet":
		default:
			if strings.HasSuffix(object.GroupVersionKind().Group, "gateway.networking.k8s.io") {
				if err := admit(object); err != nil {
					w.refused = append(w.refused, fmt.Sprintf("%s: %v", describe(object), err))
					continue
				}
			}
			typed, err := typed(object)
			if err != nil {
				// What Pilot has no type for, it does not look at.
				continue
			}
			w.objects = append(w.objects, typed)
		}
	}
	return w, nil
}

func (w *world) pod(namespace, name string) *corev1.Pod {
	for _, pod := range w.pods {
		if pod.Namespace == namespace && pod.Name == name {
			return pod
		}
	}
	return nil
}

// installCRDs makes known what the server's own list leaves out.
func (w *world) installCRDs(t test.Failer) func(kube.Client) {
	return func(client kube.Client) {
		clienttest.MakeCRD(t, client, gvr.BackendTLSPolicy)
	}
}

// admit does what the API server does before it stores an object: it fills in the defaults of its schema and checks it.
// Istio's controller relies on both.
func admit(object *unstructured.Unstructured) error {
	schemas, err := schemas()
	if err != nil {
		return err
	}
	// The validator fills in defaults in place.
	return schemas.ValidateCustomResource(object)
}
