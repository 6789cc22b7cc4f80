package main

import (
	"fmt"
	"net/netip"
	"sort"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// servicesOf are the Services with the addresses that meshsim gives them
// (engine/control_plane/src/registry/services.rs).
func servicesOf(m *manifests) ([]*corev1.Service, error) {
	var services []*corev1.Service
	for _, object := range m.objects {
		if object.GetKind() != "Service" || object.GroupVersionKind().Group != "" {
			continue
		}
		service := &corev1.Service{}
		if err := convert(object, service); err != nil {
			return nil, err
		}
		for i := range service.Spec.Ports {
			// What the API server fills in.
			port := &service.Spec.Ports[i]
			if port.Protocol == "" {
				port.Protocol = corev1.ProtocolTCP
			}
			if port.TargetPort == (intstr.IntOrString{}) {
				port.TargetPort = intstr.FromInt32(port.Port)
			}
		}
		services = append(services, service)
	}
	sort.SliceStable(services, func(i, j int) bool {
		a, b := services[i], services[j]
		return a.Namespace < b.Namespace || a.Namespace == b.Namespace && a.Name < b.Name
	})
	pool := newAddressPool("10.96.0.0", 12)
	for _, service := range services {
		pool.reserve(service.Spec.ClusterIP)
	}
	for _, service := range services {
		spec := &service.Spec
		if _, err := netip.ParseAddr(spec.ClusterIP); err != nil &&
			spec.ClusterIP != corev1.ClusterIPNone && spec.Type != corev1.ServiceTypeExternalName {
			spec.ClusterIP = pool.assign(service.Namespace + "/" + service.Name)
		}
		if spec.ClusterIP != "" {
			spec.ClusterIPs = []string{spec.ClusterIP}
		}
	}
	return services, nil
}

// slicesOf are the EndpointSlices of the pods that a Service selects: one for each set of ports that they have.
func slicesOf(service *corev1.Service, pods []*corev1.Pod) []*discoveryv1.EndpointSlice {
	if len(service.Spec.Selector) == 0 || service.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	byPorts := map[string]*discoveryv1.EndpointSlice{}
	var order []string
	for _, pod := range pods {
		if pod.Namespace != service.Namespace || !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		ports := endpointPorts(service, pod)
		key := pod.Status.PodIP[:0]
		for _, port := range ports {
			key += fmt.Sprintf("%s=%d ", *port.Name, *port.Port)
		}
		address := netip.MustParseAddr(pod.Status.PodIP)
		family := discoveryv1.AddressTypeIPv4
		if address.Is6() {
			family = discoveryv1.AddressTypeIPv6
		}
		key += string(family)
		slice := byPorts[key]
		if slice == nil {
			slice = &discoveryv1.EndpointSlice{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: service.Namespace,
					Name:      fmt.Sprintf("%s-%d", service.Name, len(order)),
					Labels:    map[string]string{discoveryv1.LabelServiceName: service.Name},
				},
				AddressType: family,
				Ports:       ports,
			}
			byPorts[key] = slice
			order = append(order, key)
		}
		slice.Endpoints = append(slice.Endpoints, endpoint(service, pod))
	}
	out := make([]*discoveryv1.EndpointSlice, 0, len(order))
	for _, key := range order {
		out = append(out, byPorts[key])
	}
	return out
}

func endpoint(service *corev1.Service, pod *corev1.Pod) discoveryv1.Endpoint {
	terminating := pod.DeletionTimestamp != nil
	serving := isReady(pod)
	ready := service.Spec.PublishNotReadyAddresses || serving && !terminating
	out := discoveryv1.Endpoint{
		Addresses:  []string{pod.Status.PodIP},
		Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating},
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
	}
	if pod.Spec.NodeName != "" {
		out.NodeName = &pod.Spec.NodeName
	}
	if pod.Spec.Hostname != "" && pod.Spec.Subdomain == service.Name {
		out.Hostname = &pod.Spec.Hostname
	}
	return out
}

// endpointPorts are the ports of a Service as a pod has them; a name that the pod does not know has none.
func endpointPorts(service *corev1.Service, pod *corev1.Pod) []discoveryv1.EndpointPort {
	var out []discoveryv1.EndpointPort
	for _, port := range service.Spec.Ports {
		number := port.TargetPort.IntVal
		if port.TargetPort.Type == intstr.String {
			number = containerPort(pod, port.TargetPort.StrVal, port.Protocol)
		}
		if number == 0 {
			continue
		}
		name, protocol := port.Name, port.Protocol
		out = append(out, discoveryv1.EndpointPort{
			Name: &name, Port: &number, Protocol: &protocol, AppProtocol: port.AppProtocol,
		})
	}
	return out
}

func containerPort(pod *corev1.Pod, name string, protocol corev1.Protocol) int32 {
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name && (port.Protocol == protocol || port.Protocol == "" && protocol == corev1.ProtocolTCP) {
				return port.ContainerPort
			}
		}
	}
	return 0
}
