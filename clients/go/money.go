package tollgate

import (
	"fmt"

	"github.com/shopspring/decimal"

	pb "tollgate.example/go/gen/tollgate/v1"
)

// Money is an exact amount of one currency.
type Money struct {
	Amount decimal.Decimal
	// CurrencyCode is that of ISO 4217, for example "EUR".
	CurrencyCode string
}

// MoneyFromProto takes over an amount of the API; an absent or empty one is zero.
func MoneyFromProto(money *pb.Money) (Money, error) {
	amount, err := decimal.NewFromString(firstOf(money.GetAmount(), "0"))
	if err != nil {
		return Money{}, fmt.Errorf("tollgate: %q is not an amount: %w", money.GetAmount(), err)
	}
	return Money{Amount: amount, CurrencyCode: money.GetCurrencyCode()}, nil
}

// Proto makes an amount for the API. It fails beyond nine fraction digits.
func (m Money) Proto() (*pb.Money, error) {
	if !m.Amount.Truncate(9).Equal(m.Amount) {
		return nil, fmt.Errorf("tollgate: %s has more than 9 fraction digits", m.Amount)
	}
	return &pb.Money{CurrencyCode: m.CurrencyCode, Amount: plain(m.Amount)}, nil
}

// String writes for example "12.50 EUR".
func (m Money) String() string {
	return plain(m.Amount) + " " + m.CurrencyCode
}

// plain writes an amount with the digits that it was given with.
func plain(amount decimal.Decimal) string {
	return amount.StringFixed(max(0, -amount.Exponent()))
}

// moneyOrNil takes over an amount that may be absent.
func moneyOrNil(money *pb.Money) *Money {
	amount, err := MoneyFromProto(money)
	if money == nil || err != nil {
		return nil
	}
	return &amount
}
