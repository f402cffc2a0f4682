package ui_test

import (
	"fmt"
	"strings"
)

// part is a service of the shop in the pictures of the guide.
type part struct {
	name, project, namespace, team string
	replicas                       int
	// asks are the services, with paths, that it asks all the time.
	asks string
	// blueGreen are the fields of its strategy; a part without is a Deployment.
	blueGreen string
	// host is where its Ingress has it; none without.
	host string
	// byHand is synced by somebody.
	byHand bool
	// requires are settings without which it does not start.
	requires string
}

// parts are the shop: of reviews the database is not set, so that somebody has to look.
var parts = []part{
	{name: "storefront", project: "shop", namespace: "shop", team: "web", replicas: 2, asks: "catalog/products search/words cart/items reviews/of", host: "shop.localhost", blueGreen: "{activeService: storefront, previewService: storefront-preview, autoPromotionEnabled: false, scaleDownDelaySeconds: 5}"},
	{name: "checkout", project: "shop", namespace: "shop", team: "orders", replicas: 3, asks: "payments/cards orders/new cart/items", host: "checkout.localhost", blueGreen: "{activeService: checkout, previewService: checkout-preview, autoPromotionEnabled: false, scaleDownDelaySeconds: 120}"},
	{name: "orders", project: "shop", namespace: "shop", team: "orders", replicas: 2, asks: "payments/cards", blueGreen: "{activeService: orders, previewService: orders-preview, autoPromotionEnabled: false, scaleDownDelaySeconds: 600}"},
	{name: "search", project: "shop", namespace: "shop", team: "search", replicas: 2, asks: "catalog/products", blueGreen: "{activeService: search, previewService: search-preview, scaleDownDelaySeconds: 600}"},
	{name: "catalog", project: "shop", namespace: "shop", team: "web", replicas: 2, byHand: true},
	{name: "cart", project: "shop", namespace: "shop", team: "web", replicas: 1, asks: "catalog/products"},
	{name: "payments", project: "shop", namespace: "shop", team: "orders", replicas: 2},
	{name: "reviews", project: "shop", namespace: "shop", team: "web", replicas: 1, requires: "NAME DATABASE_URL"},
	{name: "accounts", project: "platform", namespace: "platform", team: "platform", replicas: 2, byHand: true},
	{name: "mailer", project: "platform", namespace: "platform", team: "platform", replicas: 1, asks: "accounts/people"},
	{name: "images", project: "platform", namespace: "platform", team: "platform", replicas: 1},
}

// toCome is in the repository and not deployed yet.
var toCome = part{name: "gift-cards", project: "shop", namespace: "shop", team: "orders", replicas: 2, asks: "payments/cards", blueGreen: "{activeService: gift-cards, previewService: gift-cards-preview, autoPromotionSeconds: 30}"}

func (p part) overlay() string { return "apps/" + p.name + "/overlays/production" }

// files are those of a part in the repository, with its image as it was built.
func (p part) files(registry, digest string) map[string]string {
	base := "apps/" + p.name + "/base/"
	kind, api, strategy := "Deployment", "apps/v1", ""
	if p.blueGreen != "" {
		kind, api, strategy = "Rollout", "argoproj.io/v1alpha1", "  strategy:\n    blueGreen: "+p.blueGreen+"\n"
	}
	resources := []string{"workload.yaml", "service.yaml"}
	fill := strings.NewReplacer("API", api, "KIND", kind, "NAME", p.name, "TEAM", p.team, "REPLICAS", fmt.Sprint(p.replicas), "ASKED", p.asks, "NEEDED", p.requires, "HOST", p.host, "IMAGE", registry+"/shop/"+p.name, "DIGEST", digest)
	services := fill.Replace(service)
	if p.blueGreen != "" {
		services += "---\n" + strings.Replace(services, "name: "+p.name, "name: "+p.name+"-preview", 1)
	}
	all := map[string]string{base + "workload.yaml": fill.Replace(workload) + strategy, base + "service.yaml": services}
	if p.host != "" {
		resources = append(resources, "ingress.yaml")
		all[base+"ingress.yaml"] = fill.Replace(ingress)
	}
	all[base+"kustomization.yaml"] = kustomization("resources: [" + strings.Join(resources, ", ") + "]")
	all[p.overlay()+"/kustomization.yaml"] = kustomization(fill.Replace("resources: [../../base]\nimages:\n  - name: app-image\n    newName: IMAGE\n    digest: DIGEST"))
	return all
}

func kustomization(text string) string {
	return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" + text + "\n"
}

const (
	workload = `apiVersion: API
kind: KIND
metadata:
  name: NAME
  labels: {app: NAME, team: TEAM}
spec:
  replicas: REPLICAS
  progressDeadlineSeconds: 20
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME, team: TEAM}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: NAME
          image: app-image
          ports: [{name: http, containerPort: 8080}]
          env:
            - {name: NAME, value: NAME}
            - {name: ASKS, value: "ASKED"}
            - {name: REQUIRED, value: "NEEDED"}
            - {name: LOG_LEVEL, value: info}
          readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 1}
          resources: {requests: {cpu: 5m, memory: 16Mi}, limits: {memory: 64Mi}}
`
	service = `apiVersion: v1
kind: Service
metadata:
  name: NAME
  labels: {app: NAME}
spec:
  selector: {app: NAME}
  ports: [{name: http, port: 80, targetPort: http}]
`
	ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: NAME}
spec:
  rules:
    - host: HOST
      http:
        paths: [{path: /, pathType: Prefix, backend: {service: {name: NAME, port: {name: http}}}}]
`
	// migration is a Job that runs before the rest of a sync.
	migration = `apiVersion: batch/v1
kind: Job
metadata:
  name: catalog-migrate
  annotations:
    argocd.argoproj.io/hook: PreSync
    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
spec:
  backoffLimit: 1
  template:
    spec:
      restartPolicy: Never
      containers:
        - {name: migrate, image: app-image, env: [{name: REQUIRED, value: DATABASE_URL}]}
`
	prices = `apiVersion: v1
kind: ConfigMap
metadata: {name: prices-YEAR}
data: {currency: EUR, vat: "VAT"}
`
)

// pricesOf is what the catalog calculates with in a year.
func pricesOf(year, vat string) string {
	return strings.NewReplacer("YEAR", year, "VAT", vat).Replace(prices)
}
