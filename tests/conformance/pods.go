package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// podsOf are the pods that are written and those that Deployments, ReplicaSets and StatefulSets stand for, with names,
// addresses and sidecars as meshsim gives them (engine/control_plane/src/registry/pods.rs).
func podsOf(m *manifests, installed string) ([]*corev1.Pod, error) {
	var pods []*corev1.Pod
	names := map[string]bool{}
	owners := map[string]bool{}
	add := func(pod *corev1.Pod) {
		names[pod.Namespace+"/"+pod.Name] = true
		pods = append(pods, pod)
	}
	for _, object := range m.objects {
		if object.GetKind() != "Pod" {
			continue
		}
		pod := &corev1.Pod{}
		if err := convert(object, pod); err != nil {
			return nil, err
		}
		for _, owner := range pod.OwnerReferences {
			name := owner.Name
			kind := owner.Kind
			if hash := pod.Labels["pod-template-hash"]; kind == "ReplicaSet" && hash != "" {
				kind, name = "Deployment", strings.TrimSuffix(name, "-"+hash)
			}
			owners[kind+" "+pod.Namespace+"/"+name] = true
		}
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		if readyCondition(pod) == nil {
			setReady(pod, pod.Status.Phase != corev1.PodPending)
		}
		pod.Status.Phase = corev1.PodRunning
		add(pod)
	}
	for _, object := range m.objects {
		if object.GetKind() != "StatefulSet" || owners["StatefulSet "+object.GetNamespace()+"/"+object.GetName()] {
			continue
		}
		set := &appsv1.StatefulSet{}
		if err := convert(object, set); err != nil {
			return nil, err
		}
		start := 0
		if set.Spec.Ordinals != nil {
			start = int(set.Spec.Ordinals.Start)
		}
		for ordinal := start; ordinal < start+replicas(set.Spec.Replicas); ordinal++ {
			pod := podFrom(set.Spec.Template, set.Namespace, fmt.Sprintf("%s-%d", set.Name, ordinal))
			pod.Labels["statefulset.kubernetes.io/pod-name"] = pod.Name
			pod.Labels["apps.kubernetes.io/pod-index"] = strconv.Itoa(ordinal)
			if !names[pod.Namespace+"/"+pod.Name] {
				add(pod)
			}
		}
	}
	number := func(namespace, name string, count int, template corev1.PodTemplateSpec) {
		next := 0
		for range count {
			for names[fmt.Sprintf("%s/%s-%d", namespace, name, next)] {
				next++
			}
			add(podFrom(template, namespace, fmt.Sprintf("%s-%d", name, next)))
			next++
		}
	}
	for _, kind := range []string{"Deployment", "ReplicaSet"} {
		for _, object := range m.objects {
			if object.GetKind() != kind || owners[kind+" "+object.GetNamespace()+"/"+object.GetName()] {
				continue
			}
			if kind == "ReplicaSet" && len(object.GetOwnerReferences()) > 0 {
				continue
			}
			deployment := &appsv1.Deployment{}
			if err := convert(object, deployment); err != nil {
				return nil, err
			}
			number(deployment.Namespace, deployment.Name, replicas(deployment.Spec.Replicas), deployment.Spec.Template)
		}
	}
	sort.Slice(pods, func(i, j int) bool {
		a, b := pods[i], pods[j]
		return a.Namespace < b.Namespace || a.Namespace == b.Namespace && a.Name < b.Name
	})
	pool := newAddressPool("10.128.0.0", 9)
	for _, pod := range pods {
		pool.reserve(pod.Status.PodIP)
	}
	namespaces := namespaceLabels(m)
	for _, pod := range pods {
		if pod.Status.PodIP == "" {
			pod.Status.PodIP = pool.assign(pod.Namespace + "/" + pod.Name)
		}
		pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
		// The template of gateways leaves the label out.
		if isInjected(pod, namespaces[pod.Namespace], installed) && !isRouter(pod) {
			if pod.Labels == nil {
				pod.Labels = map[string]string{}
			}
			if _, ok := pod.Labels[tlsModeLabel]; !ok {
				pod.Labels[tlsModeLabel] = "istio"
			}
		}
	}
	return pods, nil
}

// tlsModeLabel is what injection puts on a pod, and what tells Pilot that the pod speaks mutual TLS.
const tlsModeLabel = "security.istio.io/tlsMode"

func podFrom(template corev1.PodTemplateSpec, namespace, name string) *corev1.Pod {
	template = *template.DeepCopy()
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Namespace, pod.Name = namespace, name
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	pod.Status.Phase = corev1.PodRunning
	setReady(pod, true)
	return pod
}

func readyCondition(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodReady {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

func setReady(pod *corev1.Pod, ready bool) {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: status})
}

func isReady(pod *corev1.Pod) bool {
	condition := readyCondition(pod)
	return condition != nil && condition.Status == corev1.ConditionTrue
}

func replicas(count *int32) int {
	if count == nil {
		return 1
	}
	return int(*count)
}

func namespaceLabels(m *manifests) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, object := range m.objects {
		if object.GetKind() == "Namespace" {
			out[object.GetName()] = object.GetLabels()
		}
	}
	return out
}

// isInjected says whether a pod has a sidecar: what the default webhooks and the injector decide from labels.
func isInjected(pod *corev1.Pod, namespace map[string]string, installed string) bool {
	for _, container := range append(pod.Spec.Containers, pod.Spec.InitContainers...) {
		if container.Name == "istio-proxy" {
			return true
		}
	}
	const inject, revision = "sidecar.istio.io/inject", "istio.io/rev"
	isInstalled := func(name string) bool { return name == "default" || name == installed }
	said := pod.Labels[inject]
	asked := false
	if value, ok := namespace["istio-injection"]; ok {
		asked = value == "enabled" && said != "false"
	} else if value, ok := namespace[revision]; ok {
		asked = isInstalled(value) && said != "false"
	} else if value, ok := pod.Labels[revision]; ok {
		asked = isInstalled(value) && said != "false"
	} else {
		asked = said == "true"
	}
	if said == "" {
		said = pod.Annotations[inject]
	}
	return asked && !pod.Spec.HostNetwork && said != "false"
}

// isRouter says whether a pod's proxy stands on its own.
func isRouter(pod *corev1.Pod) bool {
	if pod.Annotations["inject.istio.io/templates"] == "gateway" {
		return true
	}
	for _, container := range pod.Spec.Containers {
		for _, argument := range container.Args {
			if container.Name == "istio-proxy" && argument == "router" {
				return true
			}
		}
	}
	return false
}

// convert reads an object into one of Kubernetes' own types.
func convert(object *unstructured.Unstructured, into metav1.Object) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into); err != nil {
		return fmt.Errorf("%s: %w", describe(object), err)
	}
	return nil
}
