package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"istio.io/istio/pilot/pkg/config/kube/gateway"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/status"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/test"
)

// conditionsOf are the status of each object of the Gateway API, as Istio's controller writes it.
func conditionsOf(m *manifests) (any, error) {
	world, err := newWorld(m)
	if err != nil {
		return nil, err
	}
	board := &board{written: map[string]any{}}
	err = test.Wrap(func(t test.Failer) {
		server := world.serve(t)
		controller, ok := server.Env().GatewayAPIController.(*gateway.Controller)
		if !ok {
			t.Fatal("no controller of the Gateway API")
		}
		manager := status.NewManager(board)
		manager.Start(test.NewStop(t))
		controller.SetStatusWrite(true, manager)
		if err := board.settle(); err != nil {
			t.Fatal(err)
		}
	})
	return board.written, err
}

// board is a store that is only told of status.
type board struct {
	model.ConfigStore
	mutex   sync.Mutex
	written map[string]any
}

func (b *board) Get(kind config.GroupVersionKind, name, namespace string) *config.Config {
	return &config.Config{Meta: config.Meta{GroupVersionKind: kind, Name: name, Namespace: namespace}}
}

func (b *board) UpdateStatus(object config.Config) (string, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.written[fmt.Sprintf("%s %s/%s", object.GroupVersionKind.Kind, object.Namespace, object.Name)] = object.Status
	return "", nil
}

// settle waits until what is written stays the same.
func (b *board) settle() error {
	last := ""
	for range 100 {
		time.Sleep(50 * time.Millisecond)
		b.mutex.Lock()
		seen, err := json.Marshal(b.written)
		b.mutex.Unlock()
		if err != nil {
			return err
		}
		if last == string(seen) && last != "{}" {
			return nil
		}
		last = string(seen)
	}
	if last == "{}" {
		return nil
	}
	return errors.New("the status does not settle")
}
