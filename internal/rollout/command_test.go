package rollout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// command carries out one line of a timeline, and returns what is wrong with the line.
func (c *controller) command(name string, args []string) string {
	for _, carryOut := range []func(string, []string) (bool, error){c.userCommand, c.objectCommand, c.clusterCommand, c.controllerCommand} {
		known, err := carryOut(name, args)
		if err != nil {
			return name + ": " + err.Error()
		}
		if known {
			return ""
		}
	}
	return "unknown command " + name
}

// userCommand does what people do to the Rollout, by kubectl or its plugin.
func (c *controller) userCommand(name string, args []string) (known bool, err error) {
	arg := strings.Join(args, " ")
	switch name {
	case "image":
		c.edit(func(spec *v1alpha1.RolloutSpec) { spec.Template.Spec.Containers[0].Image = "app:" + arg })
	case "edit":
		return true, c.editRollout(arg)
	case "status":
		return true, c.editStatus(arg)
	case "scale":
		n, err := strconv.ParseInt(arg, 10, 32)
		c.edit(func(spec *v1alpha1.RolloutSpec) { spec.Replicas = new(int32(n)) })
		return true, err
	case "promote":
		if arg == "full" {
			return true, c.editStatus(`{"promoteFull":true}`)
		}
		if err := c.editStatus(`{"pauseConditions":null}`); err != nil {
			return true, err
		}
		return true, c.editRollout(`{"spec":{"paused":false}}`)
	case "abort":
		return true, c.editStatus(`{"abort":true}`)
	case "retry":
		return true, c.editStatus(`{"abort":false}`)
	case "pause", "resume":
		c.edit(func(spec *v1alpha1.RolloutSpec) { spec.Paused = name == "pause" })
	case "restart":
		at := metav1.NewTime(c.now)
		if arg != "" {
			in, err := time.ParseDuration(arg)
			if err != nil {
				return true, err
			}
			at = metav1.NewTime(began.Add(in))
		}
		c.edit(func(spec *v1alpha1.RolloutSpec) { spec.RestartAt = &at })
	case "undo":
		template := c.replicaSet(c.hash(arg)).Spec.Template.DeepCopy()
		delete(template.Labels, v1alpha1.PodHashLabel)
		c.edit(func(spec *v1alpha1.RolloutSpec) { spec.Template = *template })
	case "delete":
		at := metav1.NewTime(c.now)
		c.rollout.DeletionTimestamp = &at
	default:
		return false, nil
	}
	return true, nil
}

// edit changes the Rollout's spec; its generation grows.
func (c *controller) edit(change func(*v1alpha1.RolloutSpec)) {
	change(&c.rollout.Spec)
	c.rollout.Generation++
}

func (c *controller) editRollout(patch string) error {
	changed := &v1alpha1.Rollout{}
	if err := merge(c.rollout, patch, changed); err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(changed.Spec, c.rollout.Spec) {
		changed.Generation++
	}
	// The status is a resource of its own.
	changed.Status = c.rollout.Status
	c.rollout = changed
	return nil
}

func (c *controller) editStatus(patch string) error {
	changed := v1alpha1.RolloutStatus{}
	if err := merge(c.rollout.Status, patch, &changed); err != nil {
		return err
	}
	c.rollout.Status = changed
	return nil
}

// merge puts into after what a JSON merge patch makes of an object.
func merge(before any, patch string, after any) error {
	data, err := json.Marshal(before)
	if err != nil {
		return err
	}
	if data, err = jsonpatch.MergePatch(data, []byte(patch)); err != nil {
		return err
	}
	return json.Unmarshal(data, after)
}

// objectCommand does what other people and programs do to other objects.
func (c *controller) objectCommand(name string, args []string) (known bool, err error) {
	switch name {
	case "strip":
		c.services[args[0]].Spec.Selector = with(c.services[args[0]].Spec.Selector, v1alpha1.PodHashLabel, "")
	case "select":
		c.services[args[0]].Spec.Selector = with(c.services[args[0]].Spec.Selector, v1alpha1.PodHashLabel, c.hash(args[1]))
	case "mark":
		c.services[args[0]].Annotations = with(c.services[args[0]].Annotations, v1alpha1.ManagedByRolloutsAnnotation, args[1])
	case "remove":
		delete(c.services, args[0])
	case "add":
		c.addService(args[0])
	case "edit-service":
		return true, merge(c.services[args[0]], strings.Join(args[1:], " "), c.services[args[0]])
	case "edit-replicaset":
		rs := c.replicaSet(c.hash(args[0]))
		rs.Generation++
		return true, merge(rs, strings.Join(args[1:], " "), rs)
	case "workload":
		return true, c.editWorkload(args[0], args[1:])
	default:
		return false, nil
	}
	return true, nil
}

func (c *controller) editWorkload(what string, args []string) error {
	switch what {
	case "image":
		c.workload.template.Spec.Containers[0].Image = "app:" + args[0]
		c.workload.generation++
	case "scale":
		n, err := strconv.ParseInt(args[0], 10, 32)
		c.workload.replicas, c.workload.scaled = new(int32(n)), false
		return err
	case "delete":
		c.workload.deleting = true
	case "remove":
		c.workload = nil
	default:
		return errors.New("unknown change of the workload: " + what)
	}
	return nil
}

// clusterCommand does what nodes and the other controllers do.
func (c *controller) clusterCommand(name string, args []string) (known bool, err error) {
	arg := strings.Join(args, " ")
	switch name {
	case "never":
		c.never[arg] = true
	case "ready":
		delete(c.never, arg)
	case "unready", "kill":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return true, err
		}
		own := c.podsOf(c.hash(args[0]))
		if name == "unready" {
			own = slices.DeleteFunc(own, func(pod *corev1.Pod) bool { return readyCondition(pod) == nil })
		}
		if n > len(own) {
			return true, fmt.Errorf("there are %d pods", len(own))
		}
		c.served = false
		for _, pod := range own[:n] {
			if name == "kill" {
				c.deletePod(pod)
			} else {
				pod.Status.Conditions, c.never[args[0]] = nil, true
			}
		}
	case "slow":
		c.readyAfter, err = time.ParseDuration(arg)
	case "linger":
		c.linger, err = time.ParseDuration(arg)
	case "lag":
		c.lag, err = time.ParseDuration(arg)
	case "freeze":
		c.frozen[arg] = true
	case "thaw":
		delete(c.frozen, arg)
	case "families":
		c.families = nil
		for _, family := range args {
			c.families = append(c.families, discoveryv1.AddressType(family))
		}
	case "slices":
		c.sliceSize, err = strconv.Atoi(arg)
	case "guard", "unguard":
		c.guarded = name == "guard"
	default:
		return false, nil
	}
	return true, err
}

// controllerCommand does something to the controller, its view of the cluster, or the answers that it gets.
func (c *controller) controllerCommand(name string, args []string) (known bool, err error) {
	switch name {
	case "crash":
		n, err := strconv.Atoi(args[0])
		c.crash = func() bool { n--; return n == -1 }
		return true, err
	case "stop":
		c.stopped = true
	case "start":
		c.stopped = false
		c.restart()
	case "stale":
		cached := c.observation()
		c.cache = &cached
	case "current":
		c.cache, c.waiting = nil, false
	case "fail":
		c.failures[args[0]] = failure{errUnavailable, -1}
	case "mend":
		delete(c.failures, args[0])
	case "conflict":
		c.failures[args[0]] = failure{errConflict, 1}
	case "refuse":
		c.failures["create"] = failure{errRefused{errors.New(strings.Join(args, " "))}, -1}
	case "forget":
		c.rollout.Status = v1alpha1.RolloutStatus{}
	default:
		return false, nil
	}
	return true, nil
}
