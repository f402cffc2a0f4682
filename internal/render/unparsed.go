package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/problem"
)

// another returns the line in which a second document begins in the text of one: the parser reads the first, and passes
// over the rest.
func another(text []byte) (line int, more bool) {
	if !mayGoOn(text) {
		return 0, false
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	if decoder.Decode(&first) != nil {
		return 0, false
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return 0, false
	case err == nil && len(second.Content) > 0:
		return second.Content[0].Line, true
	}
	return lineBehind(text), true
}

// lineBehind is the line on which text goes on behind the value of JSON that it begins with, or behind the mark of an
// end; 1 where that is not known.
func lineBehind(text []byte) int {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var value json.RawMessage
	end := int64(bytes.Index(text, []byte("\n...")) + len("\n..."))
	if decoder.Decode(&value) == nil {
		end = decoder.InputOffset()
	} else if end < int64(len("\n...")) {
		return 1
	}
	behind := len(text) - len(bytes.TrimLeft(text[end:], " \t\r\n"))
	return 1 + bytes.Count(text[:behind], []byte("\n"))
}

// mayGoOn reports whether a document may end before its text does: one that is a value in brackets, or has the mark of
// an end. Any other goes on to the end of the text, or is invalid.
func mayGoOn(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
		if len(line) == 0 || line[0] == '#' || line[0] == '%' || bytes.Equal(line, []byte("---")) {
			continue
		}
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("--- ")))
		return bytes.ContainsAny(line[:min(1, len(line))], "{[\"'|>") || bytes.Contains(text, []byte("\n..."))
	}
	return false
}

// notParsed is the error of a document that is no YAML, with what is probably wrong. line is the first of the document.
func notParsed(name string, text []byte, line int, err error) *problem.Error {
	if at, cause, remedy := notText(text); at > 0 {
		return &problem.Error{Kind: problem.Usage, File: name, Line: at + line - 1, Cause: notYAML + cause, Remedy: remedy}
	}
	at, cause := yamlProblem(err)
	p := &problem.Error{Kind: problem.Usage, File: name, Line: at + line - 1, Cause: notYAML + cause, Remedy: "correct it"}
	number := line - 1
	for read := range bytes.Lines(text) {
		number++
		if remedy := slip(string(read)); remedy != "" {
			p.Remedy = fmt.Sprintf("line %d: %s", number, remedy)
			return p
		}
	}
	if at := indentedDashes(text); at > 0 {
		p.Remedy = fmt.Sprintf("line %d: write the dashes that divide documents at the beginning of the line", at+line-1)
	}
	return p
}

// indentedDashes returns the first line with nothing but three dashes that are indented, which divide no documents; 0
// for none.
func indentedDashes(text []byte) int {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if line = bytes.TrimRight(line, " \r\n"); len(line) > len("---") && string(bytes.TrimLeft(line, " ")) == "---" {
			return number
		}
	}
	return 0
}

// asUTF8 is the remedy for text in another encoding.
const asUTF8 = "save the file as UTF-8"

// wide are the byte order marks of UTF-16.
var wide = []string{"\xff\xfe", "\xfe\xff"}

// isWide reports whether text is UTF-16, which the parser would read, and of which nothing finds the documents.
func isWide(text []byte) bool {
	return slices.ContainsFunc(wide, func(mark string) bool { return bytes.HasPrefix(text, []byte(mark)) })
}

// notText returns the line of the first byte that no text in UTF-8 has, and what is wrong with it; 0 where all is text.
func notText(text []byte) (line int, cause, remedy string) {
	for at := 0; at < len(text); {
		char, size := utf8.DecodeRune(text[at:])
		switch {
		case char == utf8.RuneError && size == 1:
			cause, remedy = fmt.Sprintf("byte 0x%02x is not UTF-8", text[at]), asUTF8
		case char == 0x7f || char < ' ' && char != '\t' && char != '\n' && char != '\r':
			cause, remedy = fmt.Sprintf("control character 0x%02x", char), "text has none: exclude the file with source.directory.exclude"
		}
		if cause != "" {
			return 1 + bytes.Count(text[:at], []byte("\n")), cause, remedy
		}
		at += size
	}
	return 0, "", ""
}

// noBlank is a line with a key whose colon has no blank behind it, and no URL or the like, semicolon one with the other
// sign, and unquoted one with a value, such as a schedule, that begins with a sign of YAML's own.
var (
	noBlank   = regexp.MustCompile(`^\s*(?:- )?[A-Za-z][A-Za-z0-9]*:[A-Za-z0-9"'\[{]`)
	unquoted  = regexp.MustCompile(`^\s*(?:- )?[A-Za-z][A-Za-z0-9]*: (?:[@` + "`" + `%]|\*(?:$|[/ ]))`)
	semicolon = regexp.MustCompile(`^\s*(?:- )?[A-Za-z][A-Za-z0-9]*;(?:\s|$)`)
)

// slip is what to do about a line that makes a document invalid by a slip that people make often; "" where it does not.
func slip(line string) string {
	line = strings.TrimRight(line, "\r\n")
	code, _, _ := strings.Cut(line, " #")
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.HasPrefix(strings.TrimSpace(line), "#"):
		return ""
	case strings.HasPrefix(line, "\ufeff---"):
		return "remove the byte order mark before ---"
	case strings.Contains(code, "{{"):
		return "braces of a template; render it first, such as by `helm template`"
	case strings.Contains(indent, "\t"):
		return "indent it with blanks, and not with tabs"
	case len(code) > len("---") && strings.Trim(code, "-") == "":
		return "three dashes divide documents"
	case unquoted.MatchString(code):
		return "put the value in quotes"
	case noBlank.MatchString(code) && !strings.Contains(code, "://"):
		return "write a blank behind the colon"
	case semicolon.MatchString(code):
		return "write a colon for the semicolon"
	}
	return ""
}
