//go:build !linux

package cluster

import (
	"context"
	"errors"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

func (s *supervisor) startReal(context.Context, func(Event)) (*startup, error) {
	return &startup{}, checkReal()
}

func checkReal() error {
	return errors.New("real nodes need Linux: take --nodes simulated, or run this on a Linux machine")
}

func removeNode(state.Dir) error { return nil }
