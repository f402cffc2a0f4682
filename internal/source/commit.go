package source

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Commit is what a commit object holds.
type Commit struct {
	SHA       string
	Tree      string
	Parents   []string
	Author    Person
	Committer Person
	// Message is all of it; Subject its first line, and Trailers the key: value lines of its last paragraph.
	Message  string
	Subject  string
	Trailers []Trailer
}

// Person is who, and when.
type Person struct {
	Name  string
	Email string
	Time  time.Time
}

// Trailer is a line at the end of a commit message.
type Trailer struct{ Key, Value string }

// Trailer returns the value of the last trailer with this key, in any case, or "".
func (c Commit) Trailer(key string) string {
	for i := len(c.Trailers) - 1; i >= 0; i-- {
		if strings.EqualFold(c.Trailers[i].Key, key) {
			return c.Trailers[i].Value
		}
	}
	return ""
}

// parseCommit reads a commit object.
func parseCommit(data []byte) (Commit, error) {
	header, message, _ := strings.Cut(string(data), "\n\n")
	c := Commit{Message: strings.ToValidUTF8(message, "�")}
	for line := range strings.SplitSeq(header, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "tree":
			c.Tree = value
		case "parent":
			if !objectName.MatchString(value) {
				return Commit{}, fmt.Errorf("invalid parent %.60q", value)
			}
			c.Parents = append(c.Parents, value)
		case "author":
			c.Author = parsePerson(value)
		case "committer":
			c.Committer = parsePerson(value)
		}
	}
	if !objectName.MatchString(c.Tree) {
		return Commit{}, errors.New("tree line missing")
	}
	c.Subject, _, _ = strings.Cut(strings.TrimLeft(c.Message, "\n"), "\n")
	c.Trailers = parseTrailers(c.Message)
	return c, nil
}

// parsePerson reads "Name <mail> seconds zone". Old commits have odd ones; what cannot be read stays empty.
func parsePerson(s string) Person {
	s = strings.ToValidUTF8(s, "�")
	name, rest, _ := strings.Cut(s, "<")
	end := strings.LastIndex(rest, ">")
	if end < 0 {
		return Person{Name: strings.TrimSpace(name)}
	}
	p := Person{Name: strings.TrimSpace(name), Email: rest[:end]}
	fields := strings.Fields(rest[end+1:])
	if len(fields) == 0 {
		return p
	}
	seconds, err := strconv.ParseInt(fields[0], 10, 64)
	// A year that JSON and people can write.
	const year9999 = 253402300799
	if err != nil || seconds < 0 || seconds > year9999 {
		return p
	}
	p.Time = time.Unix(seconds, 0).UTC()
	if len(fields) > 1 {
		if zone, err := strconv.Atoi(fields[1]); err == nil && zone > -2400 && zone < 2400 {
			p.Time = p.Time.In(time.FixedZone("", (zone/100*60+zone%100)*60))
		}
	}
	return p
}

// parseTrailers reads the last paragraph of a message, when all its lines are "Key: value" or go on with a space. A
// subject alone is no trailer.
func parseTrailers(message string) []Trailer {
	message = strings.TrimRight(strings.ReplaceAll(message, "\r\n", "\n"), "\n \t")
	cut := strings.LastIndex(message, "\n\n")
	if cut < 0 {
		return nil
	}
	var trailers []Trailer
	for line := range strings.SplitSeq(message[cut+2:], "\n") {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			if len(trailers) == 0 {
				return nil
			}
			last := &trailers[len(trailers)-1]
			last.Value = strings.TrimSpace(last.Value + " " + strings.TrimSpace(line))
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || !isTrailerKey(key) {
			return nil
		}
		trailers = append(trailers, Trailer{key, strings.TrimSpace(value)})
	}
	return trailers
}

func isTrailerKey(key string) bool {
	return key != "" && strings.IndexFunc(key, func(r rune) bool {
		letter := r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		return r != '-' && !letter
	}) < 0
}
