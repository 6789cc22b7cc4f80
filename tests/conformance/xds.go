package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	corev1 "k8s.io/api/core/v1"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/model"
	v3 "istio.io/istio/pilot/pkg/xds/v3"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/mesh/meshwatcher"
	_ "istio.io/istio/pkg/config/xds" // the types of all filters, so that they can be written as JSON
	"istio.io/istio/pkg/test"
)

// Config is what Pilot sends to a proxy, as Envoy's JSON.
type Config struct {
	Istio string `json:"istio"`
	// Refused are the objects that the webhook would not have let in.
	Refused   []string          `json:"refused,omitempty"`
	Listeners []json.RawMessage `json:"listeners"`
	Routes    []json.RawMessage `json:"routes"`
	Clusters  []json.RawMessage `json:"clusters"`
	Endpoints []json.RawMessage `json:"endpoints"`
}

// xdsOf asks a Pilot that knows the manifests for a proxy's configuration.
func xdsOf(m *manifests, proxy string) (*Config, error) {
	namespace, name, ok := strings.Cut(proxy, "/")
	if !ok {
		return nil, errors.New("a proxy is NAMESPACE/POD")
	}
	world, err := newWorld(m)
	if err != nil {
		return nil, err
	}
	pod := world.pod(namespace, name)
	if pod == nil {
		return nil, fmt.Errorf("no pod %s", proxy)
	}
	node, err := nodeOf(pod, world.mesh)
	if err != nil {
		return nil, err
	}
	config := &Config{Istio: istioVersion(), Refused: world.refused}
	err = test.Wrap(func(t test.Failer) {
		server := world.serve(t)
		if err := settled(server, node, config); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		return nil, err
	}
	return config, nil
}

// serve starts a Pilot that knows the world.
func (w *world) serve(t test.Failer) *xds.FakeDiscoveryServer {
	server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		KubernetesObjects: w.objects,
		Configs:           w.configs,
		MeshConfig:        w.mesh,
		NetworksWatcher:   meshwatcher.NewFixedNetworksWatcher(w.networks),
	})
	w.installCRDs(t, server.KubeClient())
	return server
}

// settled asks until two answers in a row are the same: what comes from watches may arrive a little later.
func settled(server *xds.FakeDiscoveryServer, node *corev3.Node, into *Config) error {
	var last []byte
	for range 100 {
		if err := ask(server, node, into); err != nil {
			return err
		}
		seen, err := json.Marshal(into)
		if err != nil {
			return err
		}
		if bytes.Equal(seen, last) {
			return nil
		}
		last = seen
		time.Sleep(25 * time.Millisecond)
	}
	return errors.New("pilot does not settle")
}

// ask connects as the proxy of a pod and reads everything that it is sent.
func ask(server *xds.FakeDiscoveryServer, node *corev3.Node, into *Config) error {
	connection, err := grpc.NewClient("passthrough:///pilot",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<30)),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return server.BufListener.Dial() }))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stream, err := discovery.NewAggregatedDiscoveryServiceClient(connection).StreamAggregatedResources(ctx)
	if err != nil {
		return err
	}
	fetch := func(kind string, names []string) ([]*anypb.Any, error) {
		request := &discovery.DiscoveryRequest{Node: node, TypeUrl: kind, ResourceNames: names}
		if err := stream.Send(request); err != nil {
			return nil, err
		}
		for {
			response, err := stream.Recv()
			if err != nil {
				return nil, err
			}
			if response.TypeUrl == kind {
				return response.Resources, nil
			}
		}
	}
	clusters, err := fetch(v3.ClusterType, nil)
	if err != nil {
		return err
	}
	var endpoints, listeners, routes []*anypb.Any
	if names := edsNames(clusters); len(names) > 0 {
		if endpoints, err = fetch(v3.EndpointType, names); err != nil {
			return err
		}
	}
	if listeners, err = fetch(v3.ListenerType, nil); err != nil {
		return err
	}
	if names := rdsNames(listeners); len(names) > 0 {
		if routes, err = fetch(v3.RouteType, names); err != nil {
			return err
		}
	}
	into.Clusters, into.Endpoints = asJSON(clusters), asJSON(endpoints)
	into.Listeners, into.Routes = asJSON(listeners), asJSON(routes)
	return nil
}

// nodeOf is how the agent beside the proxy introduces it.
func nodeOf(pod *corev1.Pod, ofMesh *meshconfig.MeshConfig) (*corev3.Node, error) {
	kind := model.SidecarProxy
	if isRouter(pod) {
		kind = model.Router
	}
	metadata := model.NodeMetadata{
		Namespace:        pod.Namespace,
		Labels:           pod.Labels,
		Annotations:      pod.Annotations,
		ClusterID:        "Kubernetes",
		IstioVersion:     release,
		NodeName:         pod.Spec.NodeName,
		InstanceIPs:      []string{pod.Status.PodIP},
		ServiceAccount:   pod.Spec.ServiceAccountName,
		InterceptionMode: model.InterceptionRedirect,
	}
	// The injector hands the agent the mesh's defaults with what the pod says over them.
	if written, ok := pod.Annotations["proxy.istio.io/config"]; ok {
		applied, err := mesh.ApplyProxyConfig(written, ofMesh)
		if err != nil {
			return nil, err
		}
		metadata.ProxyConfig = (*model.NodeMetaProxyConfig)(applied.DefaultConfig)
	}
	return &corev3.Node{
		Id:       fmt.Sprintf("%s~%s~%s.%s~%s.svc.%s", kind, pod.Status.PodIP, pod.Name, pod.Namespace, pod.Namespace, domain),
		Metadata: metadata.ToStruct(),
	}, nil
}

// release is the release that the proxies say they are of: that of Pilot itself.
const release = "1.31.0"

func edsNames(clusters []*anypb.Any) []string {
	var names []string
	for _, resource := range clusters {
		c := &cluster.Cluster{}
		if resource.UnmarshalTo(c) == nil && c.GetType() == cluster.Cluster_EDS {
			name := c.GetEdsClusterConfig().GetServiceName()
			if name == "" {
				name = c.Name
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func rdsNames(listeners []*anypb.Any) []string {
	var names []string
	for _, resource := range listeners {
		l := &listener.Listener{}
		if resource.UnmarshalTo(l) != nil {
			continue
		}
		chains := l.FilterChains
		if l.DefaultFilterChain != nil {
			chains = append(chains, l.DefaultFilterChain)
		}
		for _, chain := range chains {
			for _, filter := range chain.Filters {
				manager := &hcm.HttpConnectionManager{}
				if filter.GetTypedConfig().UnmarshalTo(manager) == nil && manager.GetRds() != nil {
					names = append(names, manager.GetRds().RouteConfigName)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func asJSON(resources []*anypb.Any) []json.RawMessage {
	out := make([]json.RawMessage, 0, len(resources))
	for _, resource := range resources {
		message, err := resource.UnmarshalNew()
		if err != nil {
			panic(err)
		}
		text, err := protojson.Marshal(message)
		if err != nil {
			panic(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			panic(err)
		}
		out = append(out, compact.Bytes())
	}
	slices.SortFunc(out, func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
	return out
}

// meshOf is the mesh's configuration over Istio's defaults.
func meshOf(m *manifests) (*meshconfig.MeshConfig, error) {
	if m.mesh == "" {
		return mesh.DefaultMeshConfig(), nil
	}
	return mesh.ApplyMeshConfig(m.mesh, mesh.DefaultMeshConfig())
}
