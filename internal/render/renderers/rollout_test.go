package renderers

import (
	"strings"
	"testing"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

// workload has whatever a kustomization may reach in a workload with pods.
const workload = `
metadata: {name: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}, annotations: {note: $(NAME)}}
    spec:
      serviceAccountName: account
      priorityClassName: urgent
      imagePullSecrets: [{name: secret}]
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {app: shop}}}}]
          requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: host, labelSelector: {matchLabels: {app: shop}}}]
        podAffinity:
          preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {app: shop}}}}]
          requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: host, labelSelector: {matchLabels: {app: shop}}}]
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: shop}}}]
      volumes:
      - {name: a, configMap: {name: config}}
      - {name: b, secret: {secretName: secret}}
      - {name: c, persistentVolumeClaim: {claimName: claim}}
      - {name: d, projected: {sources: [{configMap: {name: config}}, {secret: {name: secret}}]}}
      - {name: e, nfs: {server: $(NAME), path: /}}
      initContainers:
      - name: init
        image: tool:v1
        args: [$(NAME)]
        command: [$(NAME)]
        envFrom: [{configMapRef: {name: config}}, {secretRef: {name: secret}}]
        env:
        - {name: A, valueFrom: {configMapKeyRef: {name: config, key: a}}}
        - {name: B, valueFrom: {secretKeyRef: {name: secret, key: a}}}
        - {name: C, value: $(NAME)}
        volumeMounts: [{name: a, mountPath: /$(NAME)}]
      containers:
      - name: shop
        image: shop:v1
        args: [$(NAME)]
        command: [$(NAME)]
        ports: [{containerPort: 80, name: http}]
        envFrom: [{configMapRef: {name: config}}, {secretRef: {name: secret}}]
        env:
        - {name: A, valueFrom: {configMapKeyRef: {name: config, key: a}}}
        - {name: B, valueFrom: {secretKeyRef: {name: secret, key: a}}}
        - {name: C, value: $(NAME)}
        volumeMounts: [{name: a, mountPath: /$(NAME)}]
      - {name: proxy, image: proxy:v1}
`

const around = `
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: account}}
- {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: claim}}
- {apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: urgent}}
- {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: shop}, spec: {scaleTargetRef: {apiVersion: API, kind: KIND, name: shop}}}
`

// reaching are kustomizations that change a workload in every way that there is.
var reaching = map[string]string{
	"generators":                 "configMapGenerator: [{name: config, literals: [a=b]}]\nsecretGenerator: [{name: secret, literals: [a=b]}]\n",
	"generators, prefix, suffix": "configMapGenerator: [{name: config, literals: [a=b]}]\nsecretGenerator: [{name: secret, literals: [a=b]}]\nnamePrefix: a-\nnameSuffix: -z\n",
	"prefix":                     "namePrefix: a-\n",
	"namespace":                  "namespace: other\n",
	"labels":                     "labels: [{pairs: {team: a}}]\n",
	"labels of selectors":        "labels: [{pairs: {team: a}, includeSelectors: true}]\n",
	"labels of templates":        "labels: [{pairs: {team: a}, includeTemplates: true}]\n",
	"common labels":              "commonLabels: {team: a}\n",
	"common annotations":         "commonAnnotations: {team: a}\n",
	"images":                     "images: [{name: shop, newName: reg/shop, newTag: v2}, {name: tool, digest: 'sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3'}]\n",
	"replicas":                   "replicas: [{name: shop, count: 5}]\n",
	"variables":                  "vars: [{name: NAME, objref: {apiVersion: v1, kind: ServiceAccount, name: account}}]\n",
	"a patch of a container":     "patches: [{patch: '{apiVersion: API, kind: KIND, metadata: {name: shop}, spec: {template: {spec: {containers: [{name: shop, image: shop:v3}]}}}}'}]\n",
	"a patch of many lists": "patches: [{patch: '{apiVersion: API, kind: KIND, metadata: {name: shop}, spec: {template: {spec: {volumes: [{name: x, emptyDir: {}}], " +
		"containers: [{name: shop, env: [{name: A, value: x, valueFrom: null}, {name: D, value: y}], ports: [{containerPort: 81, name: admin}], volumeMounts: [{name: x, mountPath: /x}]}], " +
		"initContainers: [{name: second, image: t}], tolerations: [{key: a}], imagePullSecrets: [{name: more}]}}}}'}]\n",
	"a patch that deletes":  "patches: [{patch: '{apiVersion: API, kind: KIND, metadata: {name: shop}, spec: {template: {spec: {containers: [{name: proxy, $patch: delete}]}}}}'}]\n",
	"a patch with a target": "patches: [{target: {kind: KIND}, patch: '{apiVersion: API, kind: KIND, metadata: {name: any}, spec: {template: {spec: {containers: [{name: shop, image: shop:v3}]}}}}'}]\n",
	"an old patch":          "patchesStrategicMerge: ['{apiVersion: API, kind: KIND, metadata: {name: shop}, spec: {template: {spec: {containers: [{name: shop, image: shop:v3}]}}}}\n\n']\n",
	"a JSON patch":          "patches: [{target: {kind: KIND}, patch: '[{\"op\": \"add\", \"path\": \"/spec/template/spec/containers/0/env/-\", \"value\": {\"name\": \"E\", \"value\": \"e\"}}]'}]\n",
	"a replacement":         "replacements: [{source: {kind: ServiceAccount, fieldPath: metadata.name}, targets: [{select: {kind: KIND}, fieldPaths: ['spec.template.spec.containers.[name=shop].image']}]}]\n",
}

// rendersAs renders a kustomization, and returns the object of a kind as YAML.
func rendersAs(t *testing.T, files map[string]string, kind string) string {
	t.Helper()
	result, err := Render(mapFS(files), v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range result.Objects {
		if r.Object.GetKind() == kind {
			data, err := sigsyaml.Marshal(r.Object.Object)
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
	}
	t.Fatalf("no %s among %d objects", kind, len(result.Objects))
	return ""
}

// inLayers puts a kustomization over a base that has the objects, or beside them.
func inLayers(kustomization, apiVersion, kind string, layered bool) map[string]string {
	as := strings.NewReplacer("API", apiVersion, "KIND", kind)
	objects := "apiVersion: v1\nkind: List\nmetadata: {name: all}\nitems:" + as.Replace(around)
	files := map[string]string{"app/around.yaml": objects, "app/workload.yaml": "apiVersion: " + apiVersion + "\nkind: " + kind + workload}
	if !layered {
		files["app/kustomization.yaml"] = "resources: [workload.yaml, around.yaml]\n" + as.Replace(kustomization)
		return files
	}
	return map[string]string{
		"base/around.yaml": files["app/around.yaml"], "base/workload.yaml": files["app/workload.yaml"],
		"base/kustomization.yaml": "resources: [workload.yaml, around.yaml]\nnamePrefix: base-\nlabels: [{pairs: {base: b}, includeSelectors: true}]\n",
		"app/kustomization.yaml":  "resources: [../base]\n" + as.Replace(kustomization),
	}
}

// Everything that reaches a Deployment reaches a Rollout, and what refers to it.
func TestWhatReachesADeploymentReachesARollout(t *testing.T) {
	for name, kustomization := range reaching {
		for _, layered := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				same := strings.NewReplacer("apiVersion: apps/v1\n", "", "apiVersion: argoproj.io/v1alpha1\n", "", "kind: Deployment", "", "kind: Rollout", "", "apiVersion: apps/v1", "", "apiVersion: argoproj.io/v1alpha1", "")
				deployment, rollout := inLayers(kustomization, "apps/v1", "Deployment", layered), inLayers(kustomization, "argoproj.io/v1alpha1", "Rollout", layered)
				if got, want := same.Replace(rendersAs(t, rollout, "Rollout")), same.Replace(rendersAs(t, deployment, "Deployment")); got != want {
					t.Errorf("the Rollout: got\n%s\nwant\n%s", got, want)
				}
				if got, want := same.Replace(rendersAs(t, rollout, "HorizontalPodAutoscaler")), same.Replace(rendersAs(t, deployment, "HorizontalPodAutoscaler")); got != want {
					t.Errorf("the HorizontalPodAutoscaler: got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

const manyReferences = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  strategy:
    blueGreen:
      activeService: active
      previewService: preview
      prePromotionAnalysis: {templates: [{templateName: smoke}, {templateName: load, clusterScope: true}]}
      postPromotionAnalysis: {templates: [{templateName: smoke}]}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: active}}
---
{apiVersion: v1, kind: Service, metadata: {name: preview}}
---
{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: smoke}, spec: {args: [{name: a, valueFrom: {secretKeyRef: {name: secret, key: a}}}]}}
---
{apiVersion: argoproj.io/v1alpha1, kind: ClusterAnalysisTemplate, metadata: {name: load}}
---
{apiVersion: v1, kind: Secret, metadata: {name: secret}}
`

func TestNamesInARolloutFollow(t *testing.T) {
	files := map[string]string{"app/kustomization.yaml": "resources: [all.yaml]\nnamePrefix: a-\n", "app/all.yaml": manyReferences}
	rollout := rendersAs(t, files, "Rollout")
	for _, want := range []string{"    kind: Deployment\n    name: a-shop\n", "activeService: a-active", "previewService: a-preview", "templateName: a-smoke", "templateName: a-load"} {
		if !strings.Contains(rollout, want) {
			t.Errorf("got\n%s\nwithout %s", rollout, want)
		}
	}
	if template := rendersAs(t, files, "AnalysisTemplate"); !strings.Contains(template, "name: a-secret") {
		t.Errorf("got\n%s\nwithout a-secret", template)
	}
}

// What a repository says of Rollouts itself comes before what is built in.
func TestOwnConfigurationOfRolloutsWins(t *testing.T) {
	rollout := "apiVersion: argoproj.io/v1alpha1\nkind: Rollout" + strings.ReplaceAll(workload, "$(NAME)", "x")
	patch := "patches: [{patch: '{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: shop}, spec: {template: {spec: {containers: [{name: shop, image: shop:v3}]}}}}'}]\n"
	const ownSchema = `{"definitions": {"r": {"type": "object", "properties": {}, "x-kubernetes-group-version-kind": [{"group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout"}]}}}`
	for name, c := range map[string]struct {
		kustomization string
		files         map[string]string
		with, without string
	}{
		"a field that is not to be made": {
			"labels: [{pairs: {team: a}, includeSelectors: true}]\nconfigurations: [own.yaml]\n",
			map[string]string{"app/own.yaml": "commonLabels: [{path: spec/selector/matchLabels, create: false, group: argoproj.io, kind: Rollout}]\n"}, "team: a", "",
		},
		"names that are the same": {
			"namePrefix: a-\nconfigurations: [own.yaml]\n",
			map[string]string{"app/own.yaml": "nameReference: [{kind: ConfigMap, version: v1, fieldSpecs: [{path: spec/template/spec/volumes/configMap/name, kind: Rollout}]}]\n"}, "name: a-shop", "",
		},
		"a schema with Rollouts":    {patch + "openapi: {path: s.json}\n", map[string]string{"app/s.json": ownSchema}, "image: shop:v3", "image: proxy:v1"},
		"a schema without Rollouts": {patch + "openapi: {path: s.json}\n", map[string]string{"app/s.json": `{"definitions": {}}`}, "image: proxy:v1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"app/kustomization.yaml": "resources: [r.yaml]\n" + c.kustomization, "app/r.yaml": rollout}
			for name, data := range c.files {
				files[name] = data
			}
			got := rendersAs(t, files, "Rollout")
			if !strings.Contains(got, c.with) || c.without != "" && strings.Contains(got, c.without) {
				t.Errorf("got\n%s\nwithout %q, or with %q", got, c.with, c.without)
			}
		})
	}
}
