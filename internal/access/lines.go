package access

import (
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/spelling"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Bounds of what is read. A ConfigMap holds a megabyte at most; projects are many.
const (
	longestLine  = 4 << 10
	mostBytes    = 4 << 20
	mostLines    = 50_000
	mostFindings = 100
)

// rule is a line that allows or denies.
type rule struct {
	line                     *Line
	subject                  string
	resource, action, object pattern
	deny                     bool
}

func (r *rule) matches(c Call) bool {
	return r.resource.match(c.Resource) && r.action.match(c.Action) && r.object.match(c.Object)
}

// grant is a line that gives a role to a member.
type grant struct {
	line         *Line
	member, role string
}

// findings are what is to be said of what was not understood.
type findings struct {
	all []*problem.Error
	// left is the number of those beyond mostFindings.
	left int
}

func (f *findings) find(p *problem.Error) {
	if len(f.all) >= mostFindings {
		f.left++
		return
	}
	f.all = append(f.all, p)
}

// result returns what was found, and how much was left out.
func (f *findings) result() []*problem.Error {
	if f.left == 0 {
		return f.all
	}
	return append(f.all, &problem.Error{Kind: problem.Usage, Object: "policies", Cause: fmt.Sprintf("%d more findings are left out", f.left)})
}

// lines are those that were understood.
type lines struct {
	*findings
	rules  []*rule
	grants []grant
}

// read takes the lines of a text.
func (l *lines) read(object, field, text string, m mode) {
	number := 0
	for text := range strings.Lines(text) {
		number++
		l.line(&Line{Object: object, Field: field, Number: number, Text: strings.TrimSpace(text)}, m)
	}
}

// text takes what is mostly a line, and says of several which one is meant.
func (l *lines) text(object, field, text string, m mode) {
	if strings.Contains(text, "\n") {
		l.read(object, field, text, m)
		return
	}
	l.line(&Line{Object: object, Field: field, Text: text}, m)
}

const forms = "write p, SUBJECT, RESOURCE, ACTION, OBJECT, allow|deny or g, MEMBER, ROLE"

// line takes one line.
func (l *lines) line(at *Line, m mode) {
	if at.Text == "" || strings.HasPrefix(at.Text, "#") {
		return
	}
	fields, err := fieldsOf(at.Text)
	switch {
	case err != nil:
		l.find(at.problem(err.Error(), forms))
	case fields[0] == "p":
		l.rule(at, fields, m)
	case fields[0] == "g":
		l.grant(at, fields)
	default:
		l.find(at.problem(fmt.Sprintf("unknown kind of line %q", shortened(fields[0])), forms))
	}
}

// fieldsOf reads the fields of a line in CSV, without the blanks around them.
func fieldsOf(text string) ([]string, error) {
	if len(text) > longestLine {
		return nil, fmt.Errorf("longer than %d bytes", longestLine)
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace = true
	fields, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("invalid CSV: %w", withoutPlace(err))
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields, nil
}

// withoutPlace returns what is wrong, without the line number of the reader, which sees a line alone.
func withoutPlace(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		err = parse.Err
	}
	return err
}

const (
	fieldsOfRule  = 6
	fieldsOfGrant = 3
)

func (l *lines) rule(at *Line, fields []string, m mode) {
	if !l.complete(at, fields, fieldsOfRule) {
		return
	}
	effect := fields[5]
	r := &rule{line: at, subject: fields[1], deny: effect != "allow"}
	if r.deny && effect != "deny" {
		l.find(at.problem(fmt.Sprintf("unknown effect %q, taken for deny", shortened(effect)), "write allow or deny"))
	}
	for i, into := range []*pattern{&r.resource, &r.action, &r.object} {
		text := fields[2+i]
		compiled, err := compile(text, m)
		cause := fmt.Sprintf("pattern %q: %v", shortened(text), err)
		switch {
		case err == nil:
			*into = compiled
		case !r.deny:
			l.find(at.problem(cause+"; the line allows nothing", "correct the pattern"))
			return
		default:
			// What was to be denied is not known, so that all is that the rest of the line is about.
			l.find(at.problem(cause+"; the line denies as if it were *", "correct the pattern"))
			*into = pattern{text: "*", match: matchAny}
		}
	}
	l.names(r, m)
	l.rules = append(l.rules, r)
}

func (l *lines) grant(at *Line, fields []string) {
	if l.complete(at, fields, fieldsOfGrant) {
		l.grants = append(l.grants, grant{at, fields[1], fields[2]})
	}
}

// complete reports whether a line has as many fields as its kind, none of them empty.
func (l *lines) complete(at *Line, fields []string, want int) bool {
	if len(fields) != want {
		l.find(at.problem(fmt.Sprintf("%d fields, where %s has %d", len(fields), fields[0], want), forms))
		return false
	}
	if empty := slices.Index(fields[1:], ""); empty >= 0 {
		l.find(at.problem(fmt.Sprintf("field %d is empty", empty+2), forms))
		return false
	}
	return true
}

// names looks for resources and actions that no call has. The line stands as it is.
func (l *lines) names(r *rule, m mode) {
	if m == regexMode || !r.resource.isLiteral() {
		return
	}
	actions, known := actionsOf[r.resource.text]
	if !known {
		l.find(r.line.problem(unknown("resource", r.resource.text, slices.Sorted(maps.Keys(actionsOf)))))
		return
	}
	if r.action.isLiteral() && !slices.ContainsFunc(actions, func(a string) bool { return covers(a, r.action.text) }) {
		l.find(r.line.problem(unknown("action", r.action.text, actions)))
	}
}

// covers reports whether an action is one that a resource has.
func covers(has, action string) bool {
	prefix, open := strings.CutSuffix(has, "*")
	return has == action || open && strings.HasPrefix(action, prefix)
}

// unknown returns what is wrong about a name, and what was probably meant.
func unknown(what, name string, known []string) (cause, remedy string) {
	remedy = "there are: " + strings.Join(known, ", ")
	if closest := spelling.Closest(name, known); closest != "" {
		remedy = "did you mean " + closest + "?"
	}
	return fmt.Sprintf("unknown %s %q", what, shortened(name)), remedy
}

// shortened cuts what a stranger wrote to what a message holds.
func shortened(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
