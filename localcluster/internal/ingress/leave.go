package ingress

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gateways "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// reasonLeftOut is that of conditions of what is not served because the cluster was started without.
const reasonLeftOut = "LeftOut"

// LeaveGateways writes into the status of Gateways and their class that nobody serves them any more, and why. Where the
// kinds are not there, nothing is to be done.
func LeaveGateways(ctx context.Context, config *rest.Config, why string) error {
	config = rest.CopyConfig(config)
	config.ContentType, config.AcceptContentTypes = "", "" // these kinds are not served as protobuf
	client, err := gateways.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	classes, err := client.GatewayV1().GatewayClasses().List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing GatewayClasses: %w", err)
	}
	ours := map[string]bool{}
	for i := range classes.Items {
		class := &classes.Items[i]
		if class.Spec.ControllerName != routing.GatewayController {
			continue
		}
		ours[class.Name] = true
		leave(&class.Status.Conditions, class.Generation, why, string(gatewayv1.GatewayClassConditionStatusAccepted))
		if _, err := client.GatewayV1().GatewayClasses().UpdateStatus(ctx, class, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("writing the status of GatewayClass %s: %w", class.Name, err)
		}
	}
	all, err := client.GatewayV1().Gateways(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing Gateways: %w", err)
	}
	for i := range all.Items {
		gateway := &all.Items[i]
		if !ours[string(gateway.Spec.GatewayClassName)] {
			continue
		}
		gateway.Status.Addresses = nil
		leave(&gateway.Status.Conditions, gateway.Generation, why, string(gatewayv1.GatewayConditionAccepted), string(gatewayv1.GatewayConditionProgrammed))
		if _, err := client.GatewayV1().Gateways(gateway.Namespace).UpdateStatus(ctx, gateway, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("writing the status of Gateway %s: %w", nameOf(gateway), err)
		}
	}
	return nil
}

func leave(conditions *[]metav1.Condition, generation int64, why string, kinds ...string) {
	for _, kind := range kinds {
		meta.SetStatusCondition(conditions, metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reasonLeftOut, Message: why, ObservedGeneration: generation})
	}
}
