package validate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/kustomize"
	engine "github.com/cyan-cd/cyan/internal/validate"
)

// report is what was checked, and what was found.
type report struct {
	Objects  []render.Rendered
	Findings []engine.Finding
}

// counted are the objects that inputs have had, by where they stand and what they are.
type counted map[place][]seen

type place struct {
	render.Origin
	object string
}

// seen is an object, and whether a kustomization was rendered for it.
type seen struct {
	object *unstructured.Unstructured
	built  bool
}

// others returns the objects of an input but those that an earlier input has from the same place with the same content,
// such as of a file that is named beside its folder. Those of two kustomizations are two, however alike.
func (c counted) others(in *render.Result) []render.Rendered {
	built := in.SourceType == kustomize.Type
	var all []render.Rendered
	for _, o := range in.Objects {
		same := func(before seen) bool {
			return (!before.built || !built) && reflect.DeepEqual(before.object.Object, o.Object.Object)
		}
		if !slices.ContainsFunc(c[placeOf(o)], same) {
			all = append(all, o)
		}
	}
	for _, o := range all {
		c[placeOf(o)] = append(c[placeOf(o)], seen{o.Object, built})
	}
	return all
}

func placeOf(o render.Rendered) place { return place{o.Origin, engine.ObjectName(o.Object)} }

// sort orders findings by place. One that several kustomizations have of the same base is kept once.
func (r *report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b engine.Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
	})
	r.Findings = slices.CompactFunc(r.Findings, func(a, b engine.Finding) bool {
		return a.Rule == b.Rule && a.Severity == b.Severity && a.Error.Error() == b.Error.Error() && a.Column == b.Column
	})
}

// onlyNothing reports whether all that was found is that there is nothing.
func (r report) onlyNothing() bool {
	return !slices.ContainsFunc(r.Findings, func(f engine.Finding) bool { return f.Rule != engine.RuleNothing && f.Severity != engine.SeverityNote })
}

// count is how many findings have a severity.
func (r report) count(severity engine.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == severity {
			n++
		}
	}
	return n
}

// summary is a line about all.
func (r report) summary() string {
	parts := []string{plural(len(r.Objects), "object")}
	for _, severity := range []engine.Severity{engine.SeverityError, engine.SeverityWarning, engine.SeverityNote} {
		if n := r.count(severity); n > 0 {
			parts = append(parts, plural(n, string(severity)))
		}
	}
	if len(r.Findings) == 0 {
		return parts[0] + ", nothing found"
	}
	return strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// message is a finding without its place.
func message(f engine.Finding) string {
	p := *f.Error
	p.File, p.Line = "", 0
	return p.Error()
}

// format is a way to print a report.
type format struct {
	print func(o *options, r report) error
}

var formats map[string]format

func init() {
	formats = map[string]format{"": {printText}, "text": {printText}, "json": {printJSON}, "sarif": {printSARIF}, "github": {printGitHub}, "junit": {printJUnit}}
}

func formatNames() []string { return []string{"text", "json", "sarif", "github", "junit"} }

func printText(o *options, r report) error {
	for _, f := range r.Findings {
		at := ""
		if f.File != "" {
			at = f.File + ":"
			if f.Line > 0 {
				at += fmt.Sprintf("%d:%d:", f.Line, max(f.Column, 1))
			}
			at += " "
		}
		if err := o.Say(fmt.Sprintf("%s%s: %s [%s]", at, f.Severity, message(f), f.Rule)); err != nil {
			return err
		}
	}
	o.Note("%s", r.summary())
	return nil
}

// jsonFinding is a finding for programs.
type jsonFinding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Object   string `json:"object,omitempty"`
	Field    string `json:"field,omitempty"`
	Cause    string `json:"cause"`
	Remedy   string `json:"remedy,omitempty"`
}

func printJSON(o *options, r report) error {
	findings := []jsonFinding{}
	for _, f := range r.Findings {
		findings = append(findings, jsonFinding{f.Rule, string(f.Severity), f.File, f.Line, f.Column, f.Object, f.Field, f.Cause, f.Remedy})
	}
	return o.Dump(map[string]any{
		"findings": findings, "objects": len(r.Objects),
		"summary": map[string]int{"errors": r.count(engine.SeverityError), "warnings": r.count(engine.SeverityWarning), "notes": r.count(engine.SeverityNote)},
	}, "json")
}

// inRepository is a file as a path from the top of the git work tree, as services that show findings beside the code
// want it.
func inRepository(file string) string {
	here, err := os.Getwd()
	if err != nil {
		return file
	}
	full := filepath.Join(here, filepath.FromSlash(file))
	if filepath.IsAbs(file) {
		full = file
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			if relative, err := filepath.Rel(dir, full); err == nil && filepath.IsLocal(relative) {
				return filepath.ToSlash(relative)
			}
			return file
		}
		if dir == filepath.Dir(dir) {
			return file
		}
	}
}

// mostSARIF is how many results the reader of a run takes.
const mostSARIF = 25_000

// locationOf is the URI of a file, below the root of the repository or anywhere on this machine.
func locationOf(file string) map[string]any {
	if filepath.IsAbs(file) {
		return map[string]any{"uri": (&url.URL{Scheme: "file", Path: file}).String()}
	}
	return map[string]any{"uri": (&url.URL{Path: file}).String(), "uriBaseId": "%SRCROOT%"}
}

func printSARIF(o *options, r report) error {
	rules := []map[string]any{}
	for _, rule := range engine.Rules() {
		rules = append(rules, map[string]any{"id": rule.Name, "shortDescription": map[string]any{"text": rule.About}})
	}
	seen := map[string]int{}
	results := []map[string]any{}
	if more := len(r.Findings) - mostSARIF; more > 0 {
		o.Note("note: %d findings are left out, since services that read SARIF take %d; mend some first, or use another format", more, mostSARIF)
	}
	for _, f := range r.Findings[:min(len(r.Findings), mostSARIF)] {
		sum := sha256.Sum256([]byte(f.Rule + "\x00" + f.File + "\x00" + f.Object + "\x00" + f.Field))
		fingerprint := hex.EncodeToString(sum[:8])
		seen[fingerprint]++
		result := map[string]any{
			"ruleId": f.Rule, "level": string(f.Severity), "message": map[string]any{"text": message(f)},
			"partialFingerprints": map[string]any{"primaryLocationLineHash": fmt.Sprintf("%s:%d", fingerprint, seen[fingerprint])},
		}
		if f.File != "" {
			result["locations"] = []any{map[string]any{"physicalLocation": map[string]any{
				"artifactLocation": locationOf(inRepository(f.File)),
				"region":           map[string]any{"startLine": max(f.Line, 1), "startColumn": max(f.Column, 1)},
			}}}
		}
		results = append(results, result)
	}
	return o.Dump(map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":    map[string]any{"driver": map[string]any{"name": "cyan validate", "version": o.Version, "informationUri": "https://github.com/cyan-cd/cyan", "rules": rules}},
			"results": results,
		}},
	}, "json")
}

var (
	gitHubLevels   = map[engine.Severity]string{engine.SeverityError: "error", engine.SeverityWarning: "warning", engine.SeverityNote: "notice"}
	gitHubText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	gitHubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// mostAnnotations is how many of a level are shown for a step; the summary has all.
const mostAnnotations, mostSummary = 10, 900 << 10

func printGitHub(o *options, r report) error {
	shown := map[engine.Severity]int{}
	for _, f := range r.Findings {
		var properties []string
		if f.File != "" {
			properties = append(properties, "file="+gitHubProperty.Replace(inRepository(f.File)))
		}
		if f.Line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d,endLine=%d,col=%d", f.Line, f.Line, max(f.Column, 1)))
		}
		properties = append(properties, "title="+gitHubProperty.Replace(f.Rule))
		if err := o.Say("::" + gitHubLevels[f.Severity] + " " + strings.Join(properties, ",") + "::" + gitHubText.Replace(message(f))); err != nil {
			return err
		}
		shown[f.Severity]++
	}
	file := os.Getenv("GITHUB_STEP_SUMMARY")
	over := slices.ContainsFunc(slices.Collect(maps.Values(shown)), func(n int) bool { return n > mostAnnotations })
	if file == "" || !over {
		return nil
	}
	return appendSummary(file, r)
}

// appendSummary writes all findings into the summary of a step, which shows more of them than there are annotations.
func appendSummary(file string, r report) error {
	var b strings.Builder
	b.WriteString("| severity | place | finding |\n|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for i, f := range r.Findings {
		if b.Len() > mostSummary {
			fmt.Fprintf(&b, "\nand %d more\n", len(r.Findings)-i)
			break
		}
		fmt.Fprintf(&b, "| %s | %s:%d | %s |\n", f.Severity, cell.Replace(inRepository(f.File)), f.Line, cell.Replace(message(f)))
	}
	to, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		if _, err = to.WriteString(b.String()); err == nil {
			return to.Close()
		}
		_ = to.Close()
	}
	return &problem.Error{Kind: problem.Usage, Object: "$GITHUB_STEP_SUMMARY", Cause: err.Error(), Err: err}
}

type junitCase struct {
	Name     string         `xml:"name,attr"`
	Class    string         `xml:"classname,attr"`
	File     string         `xml:"file,attr,omitempty"`
	Line     int            `xml:"line,attr,omitempty"`
	Failures []junitFailure `xml:"failure,omitempty"`
	Output   string         `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

// printJUnit prints a case for each object. What does not make the command fail is its output.
func printJUnit(o *options, r report) error {
	suite := junitSuite{Name: "cyan validate", Time: "0"}
	cases := map[string]int{}
	caseOf := func(object, file string, line int, names ...string) *junitCase {
		for _, name := range names {
			if i, ok := cases[name]; ok {
				return &suite.Cases[i]
			}
		}
		for _, name := range append(names, object) {
			cases[name] = len(suite.Cases)
		}
		suite.Cases = append(suite.Cases, junitCase{Name: object, Class: file, File: file, Line: line})
		return &suite.Cases[len(suite.Cases)-1]
	}
	inFile := func(object, file string) string { return object + "\x00" + file }
	for _, object := range r.Objects {
		name := engine.ObjectName(object.Object)
		caseOf(name, object.Origin.File, object.Origin.Line, inFile(name, object.Origin.File))
	}
	for _, f := range r.Findings {
		// What is found in a patch is about an object of another file.
		about := cmp.Or(f.Object, f.File, "all")
		c := caseOf(about, f.File, f.Line, inFile(about, f.File), about)
		text := fmt.Sprintf("%s:%d: %s", f.File, f.Line, message(f))
		if f.Severity.AtLeast(engine.Severity(o.failOn)) {
			c.Failures = append(c.Failures, junitFailure{message(f), f.Rule, text})
			continue
		}
		c.Output += string(f.Severity) + ": " + text + "\n"
	}
	return printSuite(o.Streams, suite)
}

// printSuite counts the cases of a suite, and prints it.
func printSuite(to kit.Streams, suite junitSuite) error {
	for _, c := range suite.Cases {
		if len(c.Failures) > 0 {
			suite.Failures++
		}
	}
	suite.Tests = len(suite.Cases)
	data, err := xml.MarshalIndent(struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []junitSuite
	}{Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	return to.Data(xml.Header + string(data) + "\n")
}
