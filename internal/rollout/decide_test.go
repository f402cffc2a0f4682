package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// A new version after an aborted one begins its way: it is no retry of the one before.
func TestANewVersionIsNoRetry(t *testing.T) {
	for _, c := range []struct{ name, command, want string }{
		{"another template", "image v3", "NewReplicaSetCreated"},
		{"the stable template", "image v1", "NewReplicaSetAvailable"},
		{"the same template", "retry", "RolloutRetry"},
	} {
		controller := newController(exampleRollout())
		controller.addServices()
		for i, command := range []string{"never v2", "image v2", "abort", c.command} {
			controller.runUntil(began.Add(time.Duration(10*i+10) * time.Second))
			words := strings.Fields(command)
			if problem := controller.command(words[0], words[1:]); problem != "" {
				t.Fatal(problem)
			}
			controller.changed = true
		}
		got := ""
		for _, condition := range controller.decide(controller.observe()).Status.Conditions {
			if condition.Type == v1alpha1.RolloutConditionProgressing {
				got = condition.Reason
			}
		}
		if got != c.want {
			t.Errorf("%s: the reason of Progressing is %q, want %q", c.name, got, c.want)
		}
	}
}
