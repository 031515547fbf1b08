package stripesim

import (
	"fmt"
	"net/http"
)

// apiError is Stripe's error envelope and its status.
type apiError struct {
	Status      int    `json:"-"`
	Charge      string `json:"charge,omitempty"`
	Code        string `json:"code,omitempty"`
	DeclineCode string `json:"decline_code,omitempty"`
	DocURL      string `json:"doc_url,omitempty"`
	Message     string `json:"message"`
	Param       string `json:"param,omitempty"`
	LogURL      string `json:"request_log_url,omitempty"`
	Type        string `json:"type"`
	// executed says that the request got past its checks. Only then does Stripe
	// keep the answer under the idempotency key.
	executed bool
	// kept says that what happened before the refusal stays: a declined card.
	kept bool
}

// Error types of Stripe.
const (
	typeInvalidRequest = "invalid_request_error"
	typeAPI            = "api_error"
	typeCard           = "card_error"
	typeIdempotency    = "idempotency_error"
)

func (e *apiError) Error() string { return e.Message }

func badRequest(code, param, format string, args ...any) *apiError {
	return &apiError{
		Status: http.StatusBadRequest, Type: typeInvalidRequest, Code: code, Param: param,
		Message: fmt.Sprintf(format, args...),
	}
}

// notOffered refuses what Stripe has and this simulator has not.
func notOffered(param string) *apiError {
	return badRequest("", param, "This simulator does not offer '%s' yet; Stripe does.", param)
}

// missing is the answer for an id in the path that is not there.
func missing(kind, param, id string) *apiError {
	e := badRequest("resource_missing", param, "No such %s: '%s'", kind, id)
	e.Status = http.StatusNotFound
	return e
}

func serverFault() *apiError {
	return &apiError{
		Status: http.StatusInternalServerError, Type: typeAPI,
		Message: "An unknown error occurred in the simulator.",
	}
}
