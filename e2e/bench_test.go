package e2e

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/demo"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// rounds are the changes that are pushed one after another; the first warms the build up.
const rounds = 6

// From a push to the first answer of the new version, with autoPromotionSeconds 0, on real pods and under load. What
// compiling, moving the image and the pod's own start take in the same run is the limit; the rest is Cyan's own.
func BenchmarkPushToTraffic(b *testing.B) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		b.Skip("real pods need root on Linux")
	}
	cluster, err := testkit.StartCluster("--nodes", "real")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := cluster.Delete(); err != nil {
			b.Error(err)
		}
	})
	var out strings.Builder
	summary, err := demo.Run(b.Context(), demo.Options{
		LocalProgram: program("cyan-local"), LocalDir: cluster.Dir, Example: example(), Rounds: rounds, Out: &out, Terminal: term.Detect(&out, os.Getenv),
		Edit: func(dir string) error {
			file := filepath.Join(dir, filepath.FromSlash(rolloutFile))
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return os.WriteFile(file, []byte(strings.NewReplacer("autoPromotionSeconds: 3", "autoPromotionSeconds: 0", "scaleDownDelaySeconds: 10", "scaleDownDelaySeconds: 2", "previewReplicaCount: 1", "").Replace(string(text))), 0o600)
		},
	})
	if err == nil {
		err = summary.Err()
	}
	if err != nil {
		b.Fatalf("%v\n%s", err, out.String())
	}
	b.ReportMetric(0, "ns/op") // One operation is a whole story; its parts are what counts.
	report(b, summary.Rounds[1:])
	b.ReportMetric(float64(summary.Requests.Failed), "failed")
	b.Log("the last change:\n" + demo.Shares(summary.Rounds[rounds-1], term.Plain()))
}

func report(b *testing.B, rounds []demo.Round) {
	b.Helper()
	mean := func(of func(demo.Round) time.Duration) float64 {
		var total time.Duration
		for _, r := range rounds {
			total += of(r)
		}
		return (total / time.Duration(len(rounds))).Seconds()
	}
	b.ReportMetric(mean(demo.Round.ToTraffic), "s/push-to-traffic")
	b.ReportMetric(mean(demo.Round.Own), "s/own")
	for _, step := range delivery.Steps() {
		b.ReportMetric(mean(func(r demo.Round) time.Duration {
			for _, s := range r.Timeline {
				if s.Step == step {
					return s.Took
				}
			}
			return 0
		}), "s/"+string(step))
	}
}
