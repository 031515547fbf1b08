// Package grpcapi answers ReceiptService: it translates between the contract
// and the use cases, and decides nothing.
package grpcapi

import (
	"context"
	"time"

	feedv1 "github.com/almoner/almoner/proto/gen/almoner/feed/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	receiptv1 "github.com/almoner/almoner/proto/gen/almoner/receipt/v1"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/receipt/internal/app"
	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// Server implements receiptv1.ReceiptServiceServer.
type Server struct {
	receiptv1.UnimplementedReceiptServiceServer
	app *app.App
}

// New returns the server over the use cases.
func New(a *app.App) *Server { return &Server{app: a} }

// GetReceipt returns the document to whoever has its link.
func (s *Server) GetReceipt(ctx context.Context, request *receiptv1.GetReceiptRequest) (*receiptv1.GetReceiptResponse, error) {
	shown, err := s.app.GetReceipt(ctx, request.GetNumber(), request.GetToken())
	if err != nil {
		return nil, err
	}
	receipt, d := shown.Standing, shown.Document
	return &receiptv1.GetReceiptResponse{
		Number:                   receipt.Number.String(),
		OrganizationLegalName:    d.OrganizationLegalName,
		OrganizationAddress:      d.OrganizationAddress,
		OrganizationRegistration: d.OrganizationRegistration,
		OrganizationContact:      d.OrganizationContact,
		DonorName:                d.DonorName,
		DonorEmail:               d.DonorEmail,
		Total:                    amount(d.Total),
		Gift:                     amount(d.Gift),
		Cover:                    amount(d.Cover),
		FundName:                 d.FundName,
		ReceivedOn:               d.ReceivedOn,
		IssuedOn:                 d.IssuedOn,
		PaymentReference:         d.PaymentReference,
		Language:                 d.Language,
		State:                    state(receipt),
		CheckCode:                shown.CheckCode,
		Replaces:                 number(receipt.Replaces),
		ReplacedBy:               number(receipt.ReplacedBy),
		ReplacedByToken:          shown.ReplacedByToken,
		EndedAt:                  micro(receipt.Ending.EndedAt),
		Monthly:                  d.Monthly,
		PdfReady:                 shown.Drawing.Drawn,
		PdfWaitsFor:              shown.Drawing.WaitsFor,
	}, nil
}

// GetReceiptPDF returns the document as a PDF.
func (s *Server) GetReceiptPDF(ctx context.Context, request *receiptv1.GetReceiptPDFRequest) (*receiptv1.GetReceiptPDFResponse, error) {
	file, err := s.app.GetPDF(ctx, request.GetNumber(), request.GetToken())
	if err != nil {
		return nil, err
	}
	return &receiptv1.GetReceiptPDFResponse{Pdf: file.Content, Sha256: file.SHA256}, nil
}

// VerifyReceipt says whether a receipt is in force.
func (s *Server) VerifyReceipt(ctx context.Context, request *receiptv1.VerifyReceiptRequest) (*receiptv1.VerifyReceiptResponse, error) {
	receipt, err := s.app.VerifyReceipt(ctx, request.GetNumber(), request.GetCheckCode())
	if err != nil {
		return nil, err
	}
	return &receiptv1.VerifyReceiptResponse{
		Number:                receipt.Number.String(),
		State:                 state(receipt),
		OrganizationLegalName: receipt.Document.OrganizationLegalName,
		ReplacedBy:            number(receipt.ReplacedBy),
		EndedAt:               micro(receipt.Ending.EndedAt),
		IssuedOn:              receipt.Document.IssuedOn,
	}, nil
}

// FindReceipt looks a number up for staff.
func (s *Server) FindReceipt(ctx context.Context, request *receiptv1.FindReceiptRequest) (*receiptv1.FindReceiptResponse, error) {
	receipt, token, err := s.app.FindReceipt(ctx, request.GetNumber())
	if err != nil {
		return nil, err
	}
	return &receiptv1.FindReceiptResponse{
		Number:     receipt.Number.String(),
		Token:      token,
		DonationId: receipt.DonationID,
		State:      state(receipt),
		Held:       receipt.Held,
		Replaces:   number(receipt.Replaces),
		ReplacedBy: number(receipt.ReplacedBy),
		EndedAt:    micro(receipt.Ending.EndedAt),
	}, nil
}

// GetReceiptLink returns number and token of a donation's receipt.
func (s *Server) GetReceiptLink(ctx context.Context, request *receiptv1.GetReceiptLinkRequest) (*receiptv1.GetReceiptLinkResponse, error) {
	link, err := s.app.GetReceiptLink(ctx, request.GetDonationId())
	if err != nil {
		return nil, err
	}
	return &receiptv1.GetReceiptLinkResponse{
		Number:   link.Number.String(),
		Token:    link.Token,
		IssuedAt: micro(link.IssuedAt),
		MailedAt: micro(link.MailedAt),
		TraceId:  link.TraceID,
		State:    states[link.State],
		Held:     link.Held,
	}, nil
}

// SumReceipts adds up the receipts in force and says what is still due. There
// is no kind of gift yet that gets no receipt, so nothing is not receiptable.
func (s *Server) SumReceipts(ctx context.Context, _ *receiptv1.SumReceiptsRequest) (*receiptv1.SumReceiptsResponse, error) {
	summary, err := s.app.SumReceipts(ctx)
	if err != nil {
		return nil, err
	}
	response := &receiptv1.SumReceiptsResponse{
		ReceiptsDue: summary.Backlog.Receipts,
		MailsDue:    summary.Backlog.Mails,
	}
	for _, sum := range summary.Sums {
		response.Sums = append(response.Sums, &receiptv1.ReceiptSum{
			OrganizationId: sum.OrganizationID,
			Currency:       sum.Total.Currency.Code(),
			ReceiptedMinor: sum.Total.Minor,
			Receipts:       sum.Receipts,
		})
	}
	for _, checkpoint := range summary.Checkpoints {
		response.Checkpoints = append(response.Checkpoints, &feedv1.Checkpoint{
			Feed: checkpoint.Feed, Epoch: checkpoint.Epoch, Pos: checkpoint.Pos,
		})
	}
	for _, fault := range summary.SeriesFaults {
		response.SeriesFaults = append(response.SeriesFaults, fault.String())
	}
	return response, nil
}

// states are the domain's words on the wire.
var states = map[domain.State]receiptv1.ReceiptState{
	domain.InForce:  receiptv1.ReceiptState_RECEIPT_STATE_IN_FORCE,
	domain.Void:     receiptv1.ReceiptState_RECEIPT_STATE_VOID,
	domain.Replaced: receiptv1.ReceiptState_RECEIPT_STATE_REPLACED,
}

func state(s domain.Standing) receiptv1.ReceiptState { return states[s.State()] }

// number is a receipt's number on the wire; none is empty.
func number(n domain.Number) string {
	if n == (domain.Number{}) {
		return ""
	}
	return n.String()
}

func amount(a money.Amount) *moneyv1.Money {
	return &moneyv1.Money{Minor: a.Minor, Currency: a.Currency.Code()}
}

// micro is a time on the wire; no time is 0.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
