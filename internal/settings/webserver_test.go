package settings

import "testing"

func TestParseWebServer(t *testing.T) {
	for _, c := range []struct {
		data map[string]string
		want WebServer
	}{
		{nil, WebServer{}},
		{map[string]string{"server.insecure": "true"}, WebServer{Insecure: true}},
		{map[string]string{"server.insecure": "yes"}, WebServer{}},
		{map[string]string{"server.rootpath": " /cd "}, WebServer{Root: "/cd"}},
		{map[string]string{"server.basehref": "/"}, WebServer{}},
		{map[string]string{"server.basehref": "/cd/"}, WebServer{Root: "/cd/"}},
		{map[string]string{"server.basehref": "/other", "server.rootpath": "/cd"}, WebServer{Root: "/cd"}},
	} {
		if got := ParseWebServer(c.data); got != c.want {
			t.Errorf("%v: got %+v, want %+v", c.data, got, c.want)
		}
	}
}
