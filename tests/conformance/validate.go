package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hashicorp/go-multierror"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/webhooks/validation/server"
)

// Verdict is what a cluster with Istio says of an object.
type Verdict struct {
	Object string `json:"object"`
	// Schema is what the API server finds: the schema of the custom resource, unknown fields, rules in CEL.
	Schema string `json:"schema,omitempty"`
	// Refused is the webhook's message, if it refuses the object.
	Refused string `json:"refused,omitempty"`
	// Undecoded is why Istio's types cannot hold the object.
	Undecoded string `json:"undecoded,omitempty"`
	// Errors are the single errors of validation.
	Errors []string `json:"errors,omitempty"`
	// Warnings are those of validation; the webhook hands them on with objects that it takes, istioctl always.
	Warnings []string `json:"warnings,omitempty"`

	name string
}

// validate asks the schemas and the webhook about each object.
func validate(m *manifests) ([]Verdict, error) {
	schemas, err := schemas()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if _, err := server.New(server.Options{Schemas: collections.Istio, DomainSuffix: domain, Mux: mux}); err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, 0, len(m.objects))
	for _, object := range m.objects {
		verdict := Verdict{Object: describe(object), name: object.GetName()}
		if err := schemas.ValidateCustomResource(object.DeepCopy()); err != nil {
			verdict.Schema = err.Error()
		}
		if isIstio(object) {
			if err := verdict.ask(mux, object); err != nil {
				return nil, err
			}
			schema, config, err := configOf(object)
			if err != nil {
				verdict.Undecoded = err.Error()
			} else {
				warnings, err := schema.ValidateConfig(*config)
				verdict.Errors, verdict.Warnings = single(err), single(warnings)
			}
		}
		verdicts = append(verdicts, verdict)
	}
	return verdicts, nil
}

// ask asks the webhook as an API server does.
func (v *Verdict) ask(webhook http.Handler, object *unstructured.Unstructured) error {
	raw, err := json.Marshal(object.Object)
	if err != nil {
		return err
	}
	gvk := object.GroupVersionKind()
	review := admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID:       "1",
			Kind:      metav1.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind},
			Namespace: object.GetNamespace(),
			Name:      object.GetName(),
			Operation: admissionv1.Create,
			Object:    runtime.RawExtension{Raw: raw},
		},
	}
	body, err := json.Marshal(review)
	if err != nil {
		return err
	}
	request := httptest.NewRequest(http.MethodPost, "/validate", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	webhook.ServeHTTP(recorder, request)
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		return fmt.Errorf("%s: %w: %s", v.Object, err, recorder.Body)
	}
	if answer.Response == nil {
		return fmt.Errorf("%s: no response", v.Object)
	}
	if !answer.Response.Allowed && answer.Response.Result != nil {
		v.Refused = answer.Response.Result.Message
	}
	return nil
}

// single takes an error of several apart.
func single(err error) []string {
	if err == nil {
		return nil
	}
	var several *multierror.Error
	if !errors.As(err, &several) {
		return []string{err.Error()}
	}
	var out []string
	for _, err := range several.Errors {
		out = append(out, single(err)...)
	}
	return out
}

// schemas are those of the custom resources that Istio's module carries: its own and the Gateway API's.
var schemas = sync.OnceValues(func() (*crd.Validator, error) {
	folder, err := istioFolder()
	if err != nil {
		return nil, err
	}
	files := []string{
		filepath.Join(folder, "manifests/charts/base/files/crd-all.gen.yaml"),
		filepath.Join(folder, "tests/integration/pilot/testdata/gateway-api-crd.yaml"),
	}
	validator, err := crd.NewValidatorFromFilesWithOptions(files, crd.WithoutCRDValidation())
	if err != nil {
		return nil, err
	}
	validator.SkipMissing = true
	return validator, nil
})

// istioFolder is where Go keeps the source of the module.
func istioFolder() (string, error) {
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		out, err := exec.Command("go", "env", "GOMODCACHE").Output()
		if err != nil {
			return "", fmt.Errorf("set GOMODCACHE: %w", err)
		}
		cache = strings.TrimSpace(string(out))
	}
	return filepath.Join(cache, "istio.io", "istio@"+istioVersion()), nil
}
