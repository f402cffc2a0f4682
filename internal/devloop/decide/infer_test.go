package decide

import "testing"

func TestInferredDestinations(t *testing.T) {
	web := Inferred{Patterns: []string{"**/*"}, Copies: []Copied{
		{[]string{"package.json", "package-lock.json"}, "/app/"}, {[]string{"src"}, "/app/src"}, {[]string{"*.conf"}, "/etc/"}, {[]string{"index.html"}, "/www/home.html"},
		{[]string{"twice"}, "/a/"}, {[]string{"twice"}, "/b/"}, {[]string{"once", "once"}, "/c/"},
	}}
	all := Inferred{Patterns: []string{"**/*.js", "static"}, Copies: []Copied{{[]string{"package.js"}, "/app/"}, {[]string{""}, "/app/"}}}
	for _, row := range []struct {
		rule     string
		inferred Inferred
		file     string
		want     string
	}{
		{"a file into a folder", web, "package.json", "/app/package.json"},
		{"the contents of a folder", web, "src/a/b.js", "/app/src/a/b.js"},
		{"a file that a pattern has", web, "x.conf", "/etc/x.conf"},
		{"a file under another name", web, "index.html", "/www/home.html"},
		{"a file that is copied twice to one place", web, "once/x", "/c/x"},
		{"a file that is copied to two places", web, "twice/x", ""},
		{"a file that is not copied", web, "README.md", ""},
		{"a file whose name begins like a folder", web, "src.js", ""},
		{"a file of the whole context", all, "lib/a.js", "/app/lib/a.js"},
		{"the same place twice", all, "package.js", "/app/package.js"},
		{"a file that is not meant", all, "lib/a.css", ""},
		{"a folder that is meant", all, "static/a.css", "/app/static/a.css"},
		{"a pattern that is none", Inferred{Patterns: []string{"[a"}, Copies: all.Copies}, "a", ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			got, ok := row.inferred.destination(row.file)
			if got != row.want || ok != (row.want != "") {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// A file that is gone is built, since what stands below it in the image may come back.
func TestInferredFilesThatAreGoneAreBuilt(t *testing.T) {
	p := Project{Artifacts: []Artifact{{Image: "web", Context: ".", Inferred: Inferred{Patterns: []string{"**/*"}, Copies: []Copied{{[]string{""}, "/app/"}}}}}}
	running := Running{Images: map[string]State{"web": {Built: true}}, Deployed: true}
	if got := Next(p, running, []Change{{Path: "a.js"}}); len(got.Sync) != 1 || got.Sync[0].Dest != "/app/a.js" || len(got.Build) != 0 {
		t.Errorf("a change: got %+v, want it copied", got)
	}
	if got := Next(p, running, []Change{{Path: "a.js", Gone: true}}); len(got.Build) != 1 || len(got.Sync) != 0 {
		t.Errorf("a file that is gone: got %+v, want it built", got)
	}
}
