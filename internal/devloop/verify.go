package devloop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

const (
	// keptFor is how long a Job of a verification is kept that nobody has removed, in seconds.
	keptFor = 300
	// forLogs is how long the rest of a log may take behind the end of its container.
	forLogs = 10 * time.Second
)

// Verifier runs the verifications of a project as Jobs of a namespace.
type Verifier struct {
	Clients   kubernetes.Interface
	Namespace string
	// Tree has the files of Jobs.
	Tree fs.FS
	// Images are what is run in place of those that the project builds, by their names.
	Images map[string]string
	// Line gets what containers print, by the name of the verification, one line at a time.
	Line func(name, text string)
}

// Run runs all verifications at once. What does not pass is the error. Their Jobs are removed.
func (v *Verifier) Run(ctx context.Context, all []skaffold.Verification) error {
	jobs := make([]*batchv1.Job, len(all))
	for i, one := range all {
		job, err := v.job(one)
		if err != nil {
			return err
		}
		jobs[i] = job
	}
	var mu sync.Mutex
	line := v.Line
	v.Line = func(name, text string) {
		mu.Lock()
		defer mu.Unlock()
		line(name, text)
	}
	failed := make([]error, len(all))
	var running sync.WaitGroup
	for i, one := range all {
		running.Go(func() { failed[i] = guarded(func() error { return v.one(ctx, one, jobs[i]) })() })
	}
	running.Wait()
	return errors.Join(failed...)
}

// job is the Job of a verification.
func (v *Verifier) job(one skaffold.Verification) (*batchv1.Job, error) {
	container := corev1.Container{Name: one.Container, Image: one.Image, Command: one.Command, Args: one.Args}
	for _, e := range one.Env {
		container.Env = append(container.Env, corev1.EnvVar{Name: e.Name, Value: e.Value})
	}
	if ref := desired.RefOf(v.Images, desired.Name(one.Image)); ref != "" {
		container.Image = ref
	}
	job := &batchv1.Job{}
	if one.Job != "" {
		data, err := fs.ReadFile(v.Tree, one.Job)
		if err == nil {
			err = yaml.UnmarshalStrict(data, job)
		}
		if err != nil || job.Kind != "Job" {
			return nil, &problem.Error{Kind: problem.Usage, File: one.Job, Object: "verify " + one.Name, Cause: fmt.Sprintf("no manifest of a Job: %v", orNone(err)), Remedy: "write one Job of batch/v1", Err: err}
		}
	}
	pod := &job.Spec.Template.Spec
	i := slices.IndexFunc(pod.Containers, func(c corev1.Container) bool { return c.Name == one.Container })
	switch {
	case one.Job == "":
		pod.Containers = []corev1.Container{container}
	case i < 0:
		return nil, &problem.Error{Kind: problem.Usage, File: one.Job, Object: "verify " + one.Name, Cause: "without container " + one.Container, Remedy: "give a container of the Job that name"}
	default:
		pod.Containers[i] = over(pod.Containers[i], container)
	}
	job.Name, job.GenerateName, job.Namespace = "", generated(one.Name), v.Namespace
	job.Spec.BackoffLimit, job.Spec.TTLSecondsAfterFinished = new(int32), pointer(int32(keptFor))
	job.Spec.ActiveDeadlineSeconds = pointer(int64(one.Seconds))
	pod.RestartPolicy = corev1.RestartPolicyNever
	return job, nil
}

func orNone(err error) any {
	if err == nil {
		return "another kind"
	}
	return err
}

func pointer[T any](value T) *T { return &value }

// over is a container of a manifest with what the file has of it.
func over(written, with corev1.Container) corev1.Container {
	written.Image = with.Image
	if len(with.Command) > 0 {
		written.Command = with.Command
	}
	if len(with.Args) > 0 {
		written.Args = with.Args
	}
	written.Env = append(written.Env, with.Env...)
	return written
}

// generated is how the names of Jobs begin that are made for a verification.
func generated(name string) string {
	small := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return "verify-" + strings.Trim(small[:min(len(small), 40)], "-") + "-"
}

// one runs a verification, and removes its Job.
func (v *Verifier) one(ctx context.Context, one skaffold.Verification, job *batchv1.Job) error {
	jobs := v.Clients.BatchV1().Jobs(v.Namespace)
	object := "verify " + one.Name
	made, err := jobs.Create(ctx, job, metav1.CreateOptions{})
	if err != nil {
		return &problem.Error{Kind: problem.KindOf(err), File: one.Position.File, Line: one.Position.Line, Object: object, Cause: "its Job could not be made: " + problem.Refusal(err), Err: err}
	}
	defer func() {
		ending, end := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
		defer end()
		err := jobs.Delete(ending, made.Name, metav1.DeleteOptions{PropagationPolicy: pointer(metav1.DeletePropagationBackground)})
		if err != nil && !apierrors.IsNotFound(err) {
			v.Line(one.Name, fmt.Sprintf("Job %s is left: %v", made.Name, err))
		}
	}()
	within, end := context.WithTimeoutCause(ctx, time.Duration(one.Seconds)*time.Second, errTooLate)
	defer end()
	why, err := v.follow(within, one, made.Name)
	remedy := "look at what its container prints, which is shown above"
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(context.Cause(within), errTooLate):
		why = fmt.Sprintf("not done within %d s", one.Seconds)
	case err != nil:
		return fmt.Errorf("%s: following Job %s: %w", object, made.Name, err)
	case why == "":
		return nil
	case strings.Contains(why, "Image"):
		remedy = "correct its image, or load it into the cluster"
	}
	return &problem.Error{
		Kind: problem.Negative, File: one.Position.File, Line: one.Position.Line, Object: object, Cause: why,
		Remedy: remedy,
	}
}

var errTooLate = errors.New("not done in time")

// follow passes on what the container of a Job prints, and returns why it has not passed once that is known. Containers
// beside it count for nothing: those that a mesh adds never end.
func (v *Verifier) follow(ctx context.Context, one skaffold.Verification, job string) (why string, err error) {
	reading, end := context.WithCancel(context.WithoutCancel(ctx))
	var logs sync.WaitGroup
	defer logs.Wait()
	defer func() {
		// What was printed last is read to its end, where there is one.
		late := forLogs
		if err != nil {
			late = 0
		}
		time.AfterFunc(late, end)
	}()
	shown := false
	err = wait.PollUntilContextCancel(ctx, lookEvery, true, func(ctx context.Context) (bool, error) {
		pods, err := v.Clients.CoreV1().Pods(v.Namespace).List(ctx, metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + job})
		if err != nil {
			return false, err
		}
		for _, pod := range pods.Items {
			state, known := stateOf(pod.Status.ContainerStatuses, one.Container)
			if known && (state.Running != nil || state.Terminated != nil) && !shown {
				shown = true
				logs.Go(func() { _ = guarded(func() error { v.print(reading, one, pod.Name); return nil })() })
			}
			switch {
			case !known:
			case state.Terminated != nil:
				why = notPassed(state.Terminated)
				return true, nil
			case state.Waiting != nil && slices.Contains(neverStarts, state.Waiting.Reason):
				why = strings.TrimSuffix(state.Waiting.Reason+": "+state.Waiting.Message, ": ")
				return true, nil
			}
		}
		why, err = v.refused(ctx, job, len(pods.Items))
		return why != "", err
	})
	return why, err
}

// neverStarts are why containers wait that will not start by themselves.
var neverStarts = []string{"ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull"}

func stateOf(all []corev1.ContainerStatus, name string) (corev1.ContainerState, bool) {
	for _, s := range all {
		if s.Name == name {
			return s.State, true
		}
	}
	return corev1.ContainerState{}, false
}

// notPassed is why a container has not passed; "" where it has.
func notPassed(t *corev1.ContainerStateTerminated) string {
	switch {
	case t.ExitCode == 0:
		return ""
	case t.Signal != 0:
		return fmt.Sprintf("its container was ended by signal %d", t.Signal)
	}
	return strings.TrimSuffix(fmt.Sprintf("its container ended with %d: %s", t.ExitCode, strings.TrimPrefix(t.Reason, "Error")), ": ")
}

// refused is why a Job has no pod; "" where it has one, or may have.
func (v *Verifier) refused(ctx context.Context, name string, pods int) (string, error) {
	if pods > 0 {
		return "", nil
	}
	job, err := v.Clients.BatchV1().Jobs(v.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "its Job was removed by somebody", nil
	}
	if err != nil {
		return "", err
	}
	for _, c := range job.Status.Conditions {
		if c.Type == batchv1.JobFailed && c.Status == corev1.ConditionTrue {
			return c.Message, nil
		}
	}
	return "", nil
}

// print passes on the log of a container until it ends.
func (v *Verifier) print(ctx context.Context, one skaffold.Verification, pod string) {
	log, err := v.Clients.CoreV1().Pods(v.Namespace).GetLogs(pod, &corev1.PodLogOptions{Container: one.Container, Follow: true}).Stream(ctx)
	if err != nil {
		v.Line(one.Name, "its log cannot be read: "+err.Error())
		return
	}
	defer func() { _ = log.Close() }()
	for lines := bufio.NewReader(log); ; {
		text, err := lines.ReadString('\n')
		if text != "" {
			v.Line(one.Name, strings.TrimRight(text, "\r\n"))
		}
		if err != nil {
			return
		}
	}
}
