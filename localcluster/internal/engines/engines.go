// Package engines takes images from the container engines of this machine: Docker, podman, containerd and buildah.
package engines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// dialLimit is how long an engine may take to take a connection.
const dialLimit = 2 * time.Second

// engine is a way to an image.
type engine struct {
	// name is how people know it, with the socket where it is reached by one.
	name string
	// save writes an archive of the image to a file.
	save func(ctx context.Context, image, file string) error
}

// Save writes an archive of the image into file, from the first engine that has it, and returns that engine's name.
func Save(ctx context.Context, image, file string) (string, error) {
	return save(ctx, image, file, all(os.Getenv))
}

func save(ctx context.Context, image, file string, engines []engine) (string, error) {
	var tried []string
	for _, e := range engines {
		err := e.save(ctx, image, file)
		if err == nil {
			return e.name, nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("taking image %s from %s: %w", image, e.name, ctx.Err())
		}
		tried = append(tried, e.name+": "+err.Error())
	}
	return "", fmt.Errorf("image %q: neither a file nor an image of an engine of this machine (%s); build or pull it with one of these, or name an archive",
		image, strings.Join(tried, "; "))
}

// all are the engines in the order in which they are asked.
func all(env func(string) string) []engine {
	var engines []engine
	for _, socket := range sockets(env) {
		engines = append(engines, engine{name: socket.name + " at " + socket.path, save: socket.save})
	}
	for _, c := range commands {
		engines = append(engines, engine{name: c.name(), save: c.save})
	}
	return engines
}

// socket is where the API of Docker is served, which podman has as well.
type socket struct{ name, path string }

func sockets(env func(string) string) []socket {
	found := []socket{{"Docker", "/var/run/docker.sock"}, {"podman", "/run/podman/podman.sock"}}
	if dir := env("XDG_RUNTIME_DIR"); dir != "" {
		found = append(found, socket{"podman", filepath.Join(dir, "podman", "podman.sock")})
	}
	if path, ok := strings.CutPrefix(env("DOCKER_HOST"), "unix://"); ok {
		found = append([]socket{{"Docker", path}}, found...)
	}
	return found
}

func (s socket) save(ctx context.Context, image, file string) error {
	if _, err := os.Stat(s.path); err != nil {
		return errors.New("not there")
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "unix", s.path)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/images/"+url.PathEscape(image)+"/get", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return errors.New("no answer")
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		if response.StatusCode == http.StatusNotFound {
			return errors.New("does not have it")
		}
		return fmt.Errorf("answers %s", response.Status)
	}
	to, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, response.Body)
	return errors.Join(err, to.Close())
}

// command is an engine by its program.
type command struct {
	program string
	// args are its arguments; IMAGE and FILE stand for what they say.
	args []string
}

var commands = []command{
	{"docker", []string{"image", "save", "--output", "FILE", "IMAGE"}},
	{"podman", []string{"image", "save", "--format", "docker-archive", "--output", "FILE", "IMAGE"}},
	{"nerdctl", []string{"image", "save", "--output", "FILE", "IMAGE"}},
	{"ctr", []string{"images", "export", "FILE", "FULLNAME"}},
	// Where containerd serves Kubernetes, what it has is in a namespace of its own.
	{"ctr", []string{"--namespace", "k8s.io", "images", "export", "FILE", "FULLNAME"}},
	{"buildah", []string{"push", "IMAGE", "docker-archive:FILE:IMAGE"}},
}

// name is how people call it.
func (c command) name() string {
	if c.args[0] == "--namespace" {
		return c.program + " " + strings.Join(c.args[:2], " ")
	}
	return c.program
}

func (c command) save(ctx context.Context, image, file string) error {
	program, err := exec.LookPath(c.program)
	if err != nil {
		return errors.New("not installed")
	}
	if strings.HasPrefix(image, "-") {
		return errors.New("not a name")
	}
	// Some refuse to write over a file.
	_ = os.Remove(file)
	args := make([]string, len(c.args))
	for i, arg := range c.args {
		args[i] = strings.NewReplacer("IMAGE", image, "FILE", file, "FULLNAME", fullName(image)).Replace(arg)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return errors.New(lastLine(out.String(), err))
	}
	return nil
}

// lastLine is what a program said last, shortened.
func lastLine(text string, err error) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	line := strings.TrimSpace(lines[len(lines)-1])
	if line == "" {
		return err.Error()
	}
	const most = 160
	if len(line) > most {
		line = line[:most] + "…"
	}
	return line
}
