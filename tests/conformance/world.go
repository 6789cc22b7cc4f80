package main

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/gvr"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/kclient/clienttest"
	"istio.io/istio/pkg/test"
)

// world is what Pilot would find in a cluster that the manifests were applied to.
type world struct {
	mesh *meshconfig.MeshConfig
	// None if nothing is said of them.
	networks *meshconfig.MeshNetworks
	pods     []*corev1.Pod
	objects  []runtime.Object
	configs  []config.Config
	refused  []string
	// Whether there are objects of kinds that installCRDs makes known.
	hasNewKinds bool
}

func newWorld(m *manifests) (*world, error) {
	meshConfig, err := meshOf(m)
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
	w := &world{mesh: meshConfig, pods: pods}
	if m.networks != "" {
		if w.networks, err = mesh.ParseMeshNetworks(m.networks); err != nil {
			return nil, err
		}
	}
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
			if runtime.IsNotRegisteredError(err) {
				// What Pilot has no type for, it does not look at.
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", describe(object), err)
			}
			w.objects = append(w.objects, typed)
			w.hasNewKinds = w.hasNewKinds || kind == "GRPCRoute" || kind == "BackendTLSPolicy"
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

// installCRDs makes the newer kinds of the Gateway API known: Istio asks for the version of their schemas, which the
// server's own list leaves out.
func (w *world) installCRDs(t test.Failer, client kube.Client) {
	bundle := map[string]string{"gateway.networking.k8s.io/bundle-version": "v1.4.0"}
	for _, resource := range []schema.GroupVersionResource{gvr.GRPCRoute, gvr.BackendTLSPolicy} {
		clienttest.MakeCRDWithAnnotations(t, client, resource, bundle)
	}
	if w.hasNewKinds {
		// Nothing says when the new watches have caught up.
		time.Sleep(500 * time.Millisecond)
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
