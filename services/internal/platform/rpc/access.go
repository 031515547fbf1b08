package rpc

import (
	"fmt"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	accessv1 "github.com/almoner/almoner/proto/gen/almoner/access/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// accessTable says for each full method name who may call it. What is not in
// it may be called by nobody.
type accessTable map[string]permission

// permission names the services that may call a method, and the roles of which
// web's acting person needs one.
type permission struct{ callers, roles []string }

// knownRoles are those that a proto may name: a misspelt one would be a door that
// nobody can open, or worse, that somebody believes to be shut.
func knownRoles() []string { return []string{"supporter", "viewer", "accountant", "admin"} }

// add reads the callers of every method of a service from its proto. A method
// that names none is an error of the contract: it could never be called.
func (t accessTable) add(service *grpc.ServiceDesc) error {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service.ServiceName))
	if err != nil {
		return fmt.Errorf("who may call %s: %w", service.ServiceName, err)
	}
	described, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return fmt.Errorf("who may call %s: it is not a service", service.ServiceName)
	}
	methods := described.Methods()
	for i := range methods.Len() {
		method := methods.Get(i)
		access, ok := proto.GetExtension(method.Options(), accessv1.E_Access).(*accessv1.Access)
		if !ok || len(access.GetCallers()) == 0 {
			return fmt.Errorf("who may call %s: its proto has no almoner.access.v1.access option", method.FullName())
		}
		for _, role := range access.GetRoles() {
			if !slices.Contains(knownRoles(), role) {
				return fmt.Errorf("who may call %s: there is no role %q", method.FullName(), role)
			}
		}
		t[fmt.Sprintf("/%s/%s", service.ServiceName, method.Name())] = permission{callers: access.GetCallers(), roles: access.GetRoles()}
	}
	return nil
}

// names reports whether any method may be called by that caller.
func (t accessTable) names(caller string) bool {
	for _, allowed := range t {
		if slices.Contains(allowed.callers, caller) {
			return true
		}
	}
	return false
}

// authorise refuses everybody that a method's proto does not name.
func (t accessTable) authorise(caller, method string) error {
	if caller == "" {
		return apperr.New(apperr.Unauthenticated, "CALLER_UNKNOWN", "The caller did not say who it is.")
	}
	if !slices.Contains(t[method].callers, caller) {
		return apperr.New(apperr.PermissionDenied, "CALLER_NOT_ALLOWED", "This caller may not call this method.")
	}
	return nil
}
