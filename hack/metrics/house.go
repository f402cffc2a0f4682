package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// house is the code of all modules.
type house struct {
	files []*file
}

// file is a source file, by its name from the root of the repository.
type file struct {
	name   string
	folder string
	test   bool
	filled int
	syntax *ast.File
	fset   *token.FileSet
	// info and pkg are those of the file's package. Only what the package itself defines is known: nothing is compiled.
	info *types.Info
	pkg  *types.Package
}

// load reads every Go file that is under version control.
func load() (*house, error) {
	list, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go").Output()
	if err != nil {
		return nil, fmt.Errorf("listing files: %w", err)
	}
	h := &house{}
	fset := token.NewFileSet()
	folders := map[string][]*file{}
	for name := range strings.FieldsSeq(string(list)) {
		text, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if ast.IsGenerated(syntax) || strings.Contains(name, "/testdata/") {
			continue
		}
		f := &file{name: name, folder: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), filled: filled(string(text)), syntax: syntax, fset: fset}
		h.files = append(h.files, f)
		if !f.test {
			folders[f.folder] = append(folders[f.folder], f)
		}
	}
	for folder, files := range folders {
		check(folder, files)
	}
	return h, nil
}

// check resolves the identifiers of a package as far as it can be done without its imports.
func check(folder string, files []*file) {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: nothing{}, Error: func(error) {}}
	var syntax []*ast.File
	for _, f := range files {
		syntax = append(syntax, f.syntax)
	}
	// What is imported is not there, so there are errors.
	pkg, _ := config.Check(folder, files[0].fset, syntax, info)
	for _, f := range files {
		f.info, f.pkg = info, pkg
	}
}

// nothing imports packages without anything in them.
type nothing struct{}

func (nothing) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, path.Base(name))
	p.MarkComplete()
	return p, nil
}

// uses returns what the identifiers of a file stand for.
func (f *file) uses() iter.Seq[types.Object] {
	return func(yield func(types.Object) bool) {
		for name, object := range f.info.Uses {
			if name.Pos() >= f.syntax.FileStart && name.Pos() < f.syntax.FileEnd && !yield(object) {
				return
			}
		}
	}
}

// receivers counts the methods on pointers to each type.
func (h *house) receivers() []receiver {
	counts := map[string]int{}
	for _, f := range h.files {
		if f.test {
			continue
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			if star, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
				counts[f.folder+"."+strings.TrimSuffix(types.ExprString(star.X), "[T]")]++
			}
		}
	}
	return sortReceivers(counts)
}

// callers returns the folders outside a room that name a function of it.
func (h *house) callers(room, function string) []string {
	found := map[string]bool{}
	for _, f := range h.files {
		if f.test || f.folder == room || !f.imports(room) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == function && types.ExprString(s.X) == path.Base(room) {
				found[f.folder] = true
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}

func (f *file) imports(room string) bool {
	return slices.ContainsFunc(f.syntax.Imports, func(i *ast.ImportSpec) bool { return strings.HasSuffix(strings.Trim(i.Path.Value, `"`), "/"+room) })
}

var says = regexp.MustCompile(`^// \S+ (says|tells|gives) `)

// comments returns where doc comments and comment lines are not as they should be.
func (h *house) comments() (old, wide []string) {
	for _, f := range h.files {
		for _, group := range f.syntax.Comments {
			for i, c := range group.List {
				at := fmt.Sprintf("%s:%d", f.name, f.fset.Position(c.Pos()).Line)
				if i == 0 && says.MatchString(c.Text) {
					old = append(old, at+": "+c.Text)
				}
				column := f.fset.Position(c.Pos()).Column - 1
				for j, line := range strings.Split(c.Text, "\n") {
					width := len([]rune(line))
					if j == 0 {
						width += column
					}
					if width > mostCommentWidth && !strings.HasPrefix(c.Text, "//go:") && !strings.HasPrefix(c.Text, "// +kubebuilder") && !strings.HasPrefix(c.Text, "//nolint") {
						wide = append(wide, at)
					}
				}
			}
		}
	}
	return old, wide
}

// vague matches a message that does not begin with the object or the field that it is about, or paraphrases "not found"
// and "invalid".
var vague = regexp.MustCompile(`^(it|this|that|nobody|there is no|there are no)\b.* |\bis no (?:longer)?\b|\bis none of\b`)

// messages returns where texts for people are vague. A text is a literal of several words; what stands in the middle
// of a line, after a comma or a colon, is a part of one.
func (h *house) messages() []string {
	var found []string
	for _, f := range h.files {
		if f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && vague.MatchString(strings.Trim(lit.Value, "`\"")) {
				found = append(found, fmt.Sprintf("%s:%d: %s", f.name, f.fset.Position(lit.Pos()).Line, lit.Value))
			}
			return true
		})
	}
	return found
}

// loose matches an error that begins with a word that stands for something else, is made of several sentences, or talks
// to somebody.
var loose = regexp.MustCompile(`^(?:its|they|these|those|there|something|somebody|one|what)\b|\.(?: |$)|\b(?:[Pp]lease|[Ff]ailed to|[Uu]nable to|could not|you|[Yy]ou are)\b`)

// looseErrors returns where texts that errors.New and fmt.Errorf are given are loose.
func (h *house) looseErrors() []string {
	var found []string
	for _, f := range h.files {
		if f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if text := errorText(n); loose.MatchString(text) {
				found = append(found, fmt.Sprintf("%s:%d: %q", f.name, f.fset.Position(n.Pos()).Line, text))
			}
			return true
		})
	}
	return found
}

// errorText returns what a call of errors.New or fmt.Errorf is given; "" for other nodes.
func errorText(n ast.Node) string {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return ""
	}
	of, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	from, ok := of.X.(*ast.Ident)
	if !ok || from.Name+"."+of.Sel.Name != "errors.New" && from.Name+"."+of.Sel.Name != "fmt.Errorf" {
		return ""
	}
	return literal(call.Args[0])
}

// literal returns the text of an expression, with blanks for what is put in between.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); e.Kind == token.STRING && err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	case *ast.ParenExpr:
		return literal(e.X)
	}
	return " "
}

// functions returns the 99th percentile of the lengths of functions, in lines, and those that branch too often.
func (h *house) functions() (p99 int, complex []string) {
	var lengths []int
	for _, f := range h.files {
		if f.test {
			continue
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			lengths = append(lengths, f.fset.Position(fn.End()).Line-f.fset.Position(fn.Pos()).Line+1)
			if n := complexity(fn); n > mostComplexity {
				complex = append(complex, fmt.Sprintf("%s: %s %d", f.name, fn.Name.Name, n))
			}
		}
	}
	sort.Ints(lengths)
	return lengths[len(lengths)*99/100], complex
}

// complexity is the cyclomatic complexity of a function: one, and one more for every place where it branches.
func complexity(fn *ast.FuncDecl) int {
	n := 1
	ast.Inspect(fn.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		case *ast.CommClause:
			if node.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}

// module is the path of the root module.
const module = "github.com/cyan-cd/cyan/"

// roomCircles returns pairs of rooms that import each other. A room is what stands in one folder of internal, with
// everything below it.
func (h *house) roomCircles() []string {
	knows := map[[2]string]bool{}
	for _, f := range h.files {
		for _, i := range f.syntax.Imports {
			to, ours := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module)
			if ours && !f.test && room(to) != room(f.folder) {
				knows[[2]string{room(f.folder), room(to)}] = true
			}
		}
	}
	var circles []string
	for pair := range knows {
		if pair[0] < pair[1] && knows[[2]string{pair[1], pair[0]}] {
			circles = append(circles, pair[0]+" and "+pair[1])
		}
	}
	slices.Sort(circles)
	return circles
}

// room is the first two folders of a path.
func room(folder string) string {
	parts := strings.Split(folder, "/")
	return strings.Join(parts[:min(len(parts), 2)], "/")
}

func (h *house) packagesWithoutDoc() []string {
	documented, all := map[string]bool{}, map[string]bool{}
	for _, f := range h.files {
		if f.test {
			continue
		}
		dir := f.folder
		all[dir] = true
		if f.syntax.Doc != nil {
			documented[dir] = true
		}
	}
	var silent []string
	for dir := range all {
		if !documented[dir] {
			silent = append(silent, dir)
		}
	}
	slices.Sort(silent)
	return silent
}
