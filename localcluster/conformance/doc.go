// Package conformance is a Go module of its own with the tests of the Gateway API as they stand, and the server of
// echoes that they ask: what they need is no part of any program. The tests of the local cluster run them.
package conformance

import _ "sigs.k8s.io/gateway-api/conformance/echo-basic/grpcechoserver" // keeps the server of echoes in go.mod
