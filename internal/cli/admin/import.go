package admin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

type restore struct {
	*kit.Control
	dryRun, stop, verbose, yes bool
	skip                       string
}

func newImport(a *kit.Control) *cobra.Command {
	o := &restore{Control: a}
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Restore what export has written; what is there and not in the file stays",
		Example: `  cyan admin import backup.yaml --dry-run
  cyan admin import - < backup.yaml`,
		Args: kit.Exactly("the file"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and change nothing")
	f.BoolVar(&o.stop, "stop-operation", false, "leave operations out that are asked for in the file")
	f.BoolVar(&o.verbose, "verbose", false, "name what is unchanged as well")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask before objects are changed that are there")
	f.StringVar(&o.skip, "skip-resources-with-label", "", "KEY=VALUE of objects that are left out")
	a.Idle(cmd, "an object is changed as it is then, whatever was written meanwhile", "override-on-conflict")
	a.Idle(cmd, "tracking marks are restored as they are in the file", "ignore-tracking")
	a.Idle(cmd, "objects go to the namespaces that they name", "application-namespaces=", "applicationset-namespaces=")
	return cmd
}

func (o *restore) run(ctx context.Context, file string) error {
	data, err := o.ReadInput(file)
	if err != nil {
		return &problem.Error{Kind: problem.Usage, Object: "backup", Cause: err.Error(), Err: err}
	}
	objects, err := o.parse(file, data)
	if err != nil {
		return err
	}
	c, err := o.Connect()
	if err != nil {
		return err
	}
	steps := make([]step, len(objects))
	changed := 0
	for i, object := range objects {
		if steps[i], err = o.compare(ctx, c, object); err != nil {
			return err
		}
		if steps[i].outcome == "updated" {
			changed++
		}
	}
	if changed > 0 && !o.dryRun {
		if err := o.Confirm(fmt.Sprintf("change %d objects that are there to what the backup has?", changed), o.yes); err != nil {
			return err
		}
	}
	for _, s := range steps {
		if err := o.carryOut(ctx, c, s); err != nil {
			return err
		}
	}
	return nil
}

// parse reads the objects of a backup; another kind of object is refused before anything is written.
func (o *restore) parse(file string, data []byte) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		object := &unstructured.Unstructured{}
		if err == nil {
			err = yaml.Unmarshal(document, &object.Object)
		}
		if err != nil {
			return nil, &problem.Error{Kind: problem.Usage, File: file, Cause: err.Error(), Err: err}
		}
		if len(object.Object) == 0 {
			continue
		}
		if object.GetNamespace() == "" {
			object.SetNamespace(o.Namespace)
		}
		if !isOwn(object) || object.GetName() == "" {
			return nil, kit.Usage(file, fmt.Sprintf("%s %q: not an object of an installation", object.GetKind(), object.GetName()), "apply others with kubectl")
		}
		if key, value, _ := strings.Cut(o.skip, "="); o.skip != "" && object.GetLabels()[key] == value {
			continue
		}
		if o.stop {
			delete(object.Object, "operation")
		}
		all = append(all, object)
	}
	if len(all) == 0 {
		return nil, kit.Usage(file, "no object found", "")
	}
	slices.SortStableFunc(all, func(x, y *unstructured.Unstructured) int {
		return slices.Index(ownKinds, x.GroupVersionKind()) - slices.Index(ownKinds, y.GroupVersionKind())
	})
	return all, nil
}

// step is what becomes of one object.
type step struct {
	wanted, before, after *unstructured.Unstructured
	outcome               string
}

func (s step) String() string {
	return s.wanted.GetKind() + " " + s.wanted.GetNamespace() + "/" + s.wanted.GetName()
}

// compare finds out what becomes of an object: all but its metadata and status is replaced; labels, annotations and
// finalizers are added.
func (o *restore) compare(ctx context.Context, c client.Client, wanted *unstructured.Unstructured) (step, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(wanted.GroupVersionKind())
	s := step{wanted: wanted, outcome: "created"}
	err := c.Get(ctx, client.ObjectKeyFromObject(wanted), live)
	if apierrors.IsNotFound(err) {
		return s, nil
	} else if err != nil {
		return s, o.Explain(err, "reading "+s.String())
	}
	s.before, s.after = live, live.DeepCopy()
	for name, value := range wanted.Object {
		if name != "metadata" && name != "status" {
			s.after.Object[name] = value
		}
	}
	s.after.SetLabels(added(live.GetLabels(), wanted.GetLabels()))
	s.after.SetAnnotations(added(live.GetAnnotations(), wanted.GetAnnotations()))
	finalizers := slices.Clone(live.GetFinalizers())
	for _, f := range wanted.GetFinalizers() {
		if !slices.Contains(finalizers, f) {
			finalizers = append(finalizers, f)
		}
	}
	s.after.SetFinalizers(finalizers)
	if s.outcome = "updated"; reflect.DeepEqual(s.before.Object, s.after.Object) {
		s.outcome = "unchanged"
	}
	return s, nil
}

func added(to, more map[string]string) map[string]string {
	if len(more) == 0 {
		return to
	}
	all := maps.Clone(to)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, more)
	return all
}

func (o *restore) carryOut(ctx context.Context, c client.Client, s step) error {
	if s.outcome == "unchanged" {
		if o.verbose {
			return o.Say(s.String() + " unchanged")
		}
		return nil
	}
	if o.dryRun {
		return o.Say(s.String() + " would be " + s.outcome)
	}
	var err error
	if s.before == nil {
		s.wanted.SetResourceVersion("")
		s.wanted.SetUID("")
		err = c.Create(ctx, s.wanted)
	} else {
		err = c.Patch(ctx, s.after, client.MergeFrom(s.before))
	}
	if err != nil {
		return o.Explain(err, "restoring "+s.String())
	}
	return o.Say(s.String() + " " + s.outcome)
}
