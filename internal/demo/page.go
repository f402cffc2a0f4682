package demo

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/controller"
)

// pageAddress is where the page is, when that is free.
const pageAddress = "127.0.0.1:8080"

// page is where the demo's page is served, and how to log in to it.
type page struct{ address, password string }

// listenForPage opens the address of the page: the usual one, else any that is free.
func listenForPage(ctx context.Context) (net.Listener, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", pageAddress)
	if err != nil {
		listener, err = listen.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return listener, err
}

// firstPassword returns the password that the first start has made for admin; "" when another one was set since.
func firstPassword(ctx context.Context, t *target) string {
	c, err := client.New(t.config, client.Options{Scheme: kit.Scheme()})
	if err != nil {
		return ""
	}
	password, err := auth.Accounts{Objects: auth.ClusterObjects{Client: c, Namespace: controller.DefaultControlNamespace}, Now: time.Now}.InitialPassword(ctx)
	if err != nil {
		return ""
	}
	return password
}

// lines are what is printed of the page.
func (p page) lines() []string {
	if p.address == "" {
		return nil
	}
	password := "the one that was set"
	if p.password != "" {
		password = p.password
	}
	return []string{"  page       " + p.address, "  user       admin", "  password   " + password}
}

// awaitPage returns the page once it is served, and the zero value when that takes longer than anybody waits for it.
func awaitPage(ctx context.Context, t *target, serving <-chan string) (page, error) {
	const patience = 20 * time.Second
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case address := <-serving:
		return page{address, firstPassword(ctx, t)}, nil
	case <-timer.C:
		return page{}, nil
	case <-ctx.Done():
		return page{}, context.Cause(ctx)
	}
}

// errNoDesktop is why nothing was opened.
var errNoDesktop = errors.New("no desktop")

// openInBrowser opens an address where there is a desktop.
func openInBrowser(ctx context.Context, address string, getenv func(string) string) error {
	if getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "" {
		return errNoDesktop
	}
	program, err := exec.LookPath("xdg-open")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, address) //nolint:gosec // the address is the server's own
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	return nil
}
