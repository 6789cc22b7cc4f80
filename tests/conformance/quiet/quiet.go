// Package quiet keeps Istio's test environment from warning, on the standard output and before main, that Istio was not
// built here.
//
// Packages are initialised in the order of their paths as far as imports allow, and this one imports nothing of Istio.
package quiet

import "os"

func init() {
	for _, name := range []string{"TARGET_OUT", "LOCAL_OUT"} {
		if os.Getenv(name) == "" {
			_ = os.Setenv(name, os.TempDir())
		}
	}
}
