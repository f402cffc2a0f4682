// Command redis serves redis from memory, so that the example needs no image from anywhere.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(":6379"); err != nil {
		log.Error("serving", "err", err)
		os.Exit(1)
	}
	log.Info("serving", "address", server.Addr())
	<-ctx.Done()
	server.Close()
}
