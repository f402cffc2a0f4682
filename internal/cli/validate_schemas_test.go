package cli_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// members holds an object of JSON to what a schema has of it: those that are required and those that may be there.
func members(t *testing.T, what string, value any, required, optional []string) map[string]any {
	t.Helper()
	object, is := value.(map[string]any)
	if !is {
		t.Fatalf("%s: %T, want an object", what, value)
	}
	for name, member := range object {
		if !slices.Contains(required, name) && !slices.Contains(optional, name) {
			t.Errorf("%s: member %s, which the schema has not", what, name)
		}
		if text, is := member.(string); is && text == "" {
			t.Errorf("%s: %s is empty", what, name)
		}
	}
	for _, name := range required {
		if _, there := object[name]; !there {
			t.Errorf("%s: no %s, which is required", what, name)
		}
	}
	return object
}

func textOf(t *testing.T, what string, value any) string {
	t.Helper()
	text, is := value.(string)
	if !is {
		t.Fatalf("%s: %T, want text", what, value)
	}
	return text
}

// manyFindings is a folder in which there is something of each severity, with names that have to be escaped.
const manyFindings = `
-- k8s/a b.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {a: 1}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
dta: {"<&>\"": "\u0007"}
-- k8s/c.yaml --
apiVersion: v1
kind: Nothing
metadata: {name: n}
-- skaffold.yaml --
apiVersion: skaffold/v4beta11
kind: Config
`

// What is written as SARIF is what SARIF 2.1.0 has (OASIS, sarif-schema-2.1.0.json): members, values, and places that
// are counted from 1.
func TestValidateSARIF(t *testing.T) {
	inFolder(t, manyFindings)
	levels := map[string]bool{}
	for _, line := range []string{"cyan validate -R . -o sarif", "cyan validate - -o sarif"} {
		_, stdout, _ := runLine(t, "", line)
		var document any
		if err := json.Unmarshal([]byte(stdout), &document); err != nil {
			t.Fatal(err)
		}
		log := members(t, "log", document, []string{"version", "runs"}, []string{"$schema"})
		if log["version"] != "2.1.0" {
			t.Errorf("version %v", log["version"])
		}
		for _, run := range log["runs"].([]any) {
			run := members(t, "run", run, []string{"tool"}, []string{"results"})
			driver := members(t, "driver", members(t, "tool", run["tool"], []string{"driver"}, nil)["driver"], []string{"name"}, []string{"version", "informationUri", "rules"})
			if at, err := url.Parse(textOf(t, "informationUri", driver["informationUri"])); err != nil || !at.IsAbs() {
				t.Errorf("informationUri %v", driver["informationUri"])
			}
			var rules []string
			for _, rule := range driver["rules"].([]any) {
				rule := members(t, "rule", rule, []string{"id"}, []string{"shortDescription"})
				members(t, "shortDescription", rule["shortDescription"], []string{"text"}, nil)
				rules = append(rules, textOf(t, "id", rule["id"]))
			}
			if slices.Sort(rules); len(slices.Compact(slices.Clone(rules))) != len(rules) {
				t.Error("a rule is there twice")
			}
			for i, result := range run["results"].([]any) {
				what := fmt.Sprintf("result %d", i)
				result := members(t, what, result, []string{"message"}, []string{"ruleId", "level", "locations", "partialFingerprints"})
				members(t, what, result["message"], []string{"text"}, nil)
				level := textOf(t, what, result["level"])
				if levels[level] = true; !slices.Contains([]string{"none", "note", "warning", "error"}, level) {
					t.Errorf("%s: level %s", what, level)
				}
				if !slices.Contains(rules, textOf(t, what, result["ruleId"])) {
					t.Errorf("%s: %v is no rule", what, result["ruleId"])
				}
				for key, print := range members(t, what, result["partialFingerprints"], nil, []string{"primaryLocationLineHash"}) {
					textOf(t, what+": "+key, print)
				}
				locations, _ := result["locations"].([]any)
				for _, location := range locations {
					place := members(t, what, members(t, what, location, nil, []string{"physicalLocation"})["physicalLocation"], []string{"artifactLocation"}, []string{"region"})
					at := members(t, what, place["artifactLocation"], nil, []string{"uri", "uriBaseId"})
					if uri := textOf(t, what, at["uri"]); strings.ContainsAny(uri, " \\<>") {
						t.Errorf("%s: %q is no URI", what, uri)
					} else if _, err := url.Parse(uri); err != nil {
						t.Errorf("%s: %v", what, err)
					}
					for name, number := range members(t, what, place["region"], nil, []string{"startLine", "startColumn"}) {
						if n, is := number.(float64); !is || n < 1 || n != float64(int(n)) {
							t.Errorf("%s: %s is %v", what, name, number)
						}
					}
				}
			}
		}
	}
	if len(levels) != 3 {
		t.Errorf("levels %v, want all", levels)
	}
}

// What is written as JUnit is what readers have schemas of (junit-10.xsd of Jenkins, with the file and line that others
// show): names of elements, their order, required attributes, and counts that are right.
func TestValidateJUnit(t *testing.T) {
	inFolder(t, manyFindings)
	attributes := map[string][2][]string{
		"testsuites": {nil, {"name", "time", "tests", "failures", "disabled", "errors"}},
		"testsuite":  {{"name", "tests"}, {"failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package"}},
		"testcase":   {{"name"}, {"assertions", "time", "classname", "status", "file", "line"}},
		"failure":    {nil, {"type", "message"}}, "error": {nil, {"type", "message"}}, "system-out": {}, "system-err": {},
	}
	within := map[string][]string{"": {"testsuites"}, "testsuites": {"testsuite"}, "testsuite": {"testcase", "system-out", "system-err"}, "testcase": {"error", "failure", "system-out", "system-err"}}
	for _, line := range []string{"cyan validate -R . -o junit", "cyan validate - -o junit"} {
		_, stdout, _ := runLine(t, "", line)
		decoder, path, counted := xml.NewDecoder(bytes.NewReader([]byte(stdout))), []string{""}, map[string]string{}
		cases, failed := 0, 0
		for {
			token, err := decoder.Token()
			if token == nil {
				break
			}
			if err != nil {
				t.Fatalf("%v:\n%s", err, stdout)
			}
			switch element := token.(type) {
			case xml.StartElement:
				name := element.Name.Local
				if !slices.Contains(within[path[len(path)-1]], name) {
					t.Errorf("%s within %q", name, path[len(path)-1])
				}
				for _, a := range element.Attr {
					if !slices.Contains(slices.Concat(attributes[name][0], attributes[name][1]), a.Name.Local) {
						t.Errorf("%s has %s, which the schema has not", name, a.Name.Local)
					}
					if name == "testsuite" {
						counted[a.Name.Local] = a.Value
					}
				}
				for _, required := range attributes[name][0] {
					if !slices.ContainsFunc(element.Attr, func(a xml.Attr) bool { return a.Name.Local == required && a.Value != "" }) {
						t.Errorf("%s has no %s", name, required)
					}
				}
				switch name {
				case "testcase":
					cases++
				case "failure":
					if last := path[len(path)-1]; last == "testcase" {
						failed++
					}
				}
				path = append(path, name)
			case xml.EndElement:
				path = path[:len(path)-1]
			}
		}
		if counted["tests"] != fmt.Sprint(cases) || cases == 0 || failed == 0 {
			t.Errorf("%s: counts %v of %d cases with %d failures:\n%s", line, counted, cases, failed, stdout)
		}
	}
}
