package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/term"
)

// Formats of argocd's errors.
const (
	logFormatFlag = "logformat"
	logText       = "text"
	logJSON       = "json"
)

// Report returns the line by which the error of a command is printed; "" when all has been shown already. For another
// program that reads the errors of argocd it is a line of JSON, or what --logformat asks for.
func Report(root *cobra.Command, streams kit.Streams, err error, now time.Time) string {
	message := kit.Message(err)
	flag := root.PersistentFlags().Lookup(logFormatFlag)
	if message == "" || flag == nil {
		return message
	}
	format := flag.Value.String()
	if format == "" && !term.Detect(streams.Err, func(string) string { return "" }).IsTerminal() {
		format = logJSON
	}
	said := strings.TrimPrefix(message, "Error: ")
	switch format {
	case logJSON:
		return jsonLine(said, now)
	case logText:
		return fmt.Sprintf("time=%q level=fatal msg=%q", now.UTC().Format(time.RFC3339), said)
	}
	return message
}

// jsonLine is an error as a line of a log, with the names and the order that argocd's has.
func jsonLine(message string, now time.Time) string {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(struct {
		Level string `json:"level"`
		Msg   string `json:"msg"`
		Time  string `json:"time"`
	}{"fatal", message, now.UTC().Format(time.RFC3339)})
	if err != nil {
		return message
	}
	return strings.TrimSuffix(line.String(), "\n")
}

// logFormat is the value of --logformat; "" for a sentence to a person, and a line of JSON to a program.
type logFormat string

// Set refuses what argocd has no format by.
func (f *logFormat) Set(value string) error {
	if value != logText && value != logJSON {
		return fmt.Errorf("%q is not a format; there are: %s, %s", value, logJSON, logText)
	}
	*f = logFormat(value)
	return nil
}

// String returns the format.
func (f *logFormat) String() string { return string(*f) }

// Type is what help shows of the value.
func (f *logFormat) Type() string { return "format" }
