package dockerfile_test

import (
	"reflect"
	"testing"

	"github.com/cyan-cd/cyan/internal/image/dockerfile"
)

func TestCopies(t *testing.T) {
	for _, row := range []struct {
		rule, file string
		target     string
		want       []dockerfile.Copy
	}{
		{"files into a folder", "FROM x\nWORKDIR /app\nCOPY a.js b.js ./\n", "", []dockerfile.Copy{{[]string{"a.js", "b.js"}, "/app/"}}},
		{"all of the context", "FROM x\nWORKDIR /app\nCOPY . .\n", "", []dockerfile.Copy{{[]string{""}, "/app/"}}},
		{"a file under another name", "FROM x\nCOPY src/a.js /b.js\n", "", []dockerfile.Copy{{[]string{"src/a.js"}, "/b.js"}}},
		{"variables", "FROM x\nARG D=/srv\nENV E=$D/web\nCOPY web $E/\n", "", []dockerfile.Copy{{[]string{"web"}, "/srv/web/"}}},
		{"a working directory that only the base knows", "FROM x\nCOPY web static/\n", "", []dockerfile.Copy{{[]string{"web"}, "static/"}}},
		{"a variable that only the base knows", "FROM x\nCOPY web $HOME/\n", "", nil},
		{"the stages below, without their arguments", "FROM x AS base\nWORKDIR /app\nARG D=/a\nCOPY a .\nFROM base\nCOPY b .\nCOPY c $D\n", "",
			[]dockerfile.Copy{{[]string{"a"}, "/app/"}, {[]string{"b"}, "/app/"}}},
		{"another stage", "FROM x AS build\nCOPY . .\nFROM y\nCOPY --from=build /a /a\nCOPY web /web\n", "", []dockerfile.Copy{{[]string{"web"}, "/web"}}},
		{"the stage that is built", "FROM x AS dev\nCOPY a /a\nFROM y\nCOPY b /b\n", "dev", []dockerfile.Copy{{[]string{"a"}, "/a"}}},
		{"what is added as it is", "FROM x\nADD a /a\nADD b.tar /b\nADD https://example.com/c /c\n", "", []dockerfile.Copy{{[]string{"a"}, "/a"}}},
		{"a here-document", "FROM x\nCOPY <<EOF /a\nx\nEOF\n", "", nil},
	} {
		t.Run(row.rule, func(t *testing.T) {
			file, err := dockerfile.Parse([]byte(row.file), dockerfile.Options{Target: row.target})
			if err != nil {
				t.Fatal(err)
			}
			if got := file.Copies(); !reflect.DeepEqual(got, row.want) {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}
