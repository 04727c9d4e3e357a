"""What may be said of simulated losses, and of forecasts of them, with an interval each time.

tail         value at risk, expected shortfall, probabilities, from a sample of losses (weighted or not)
coverage     were the forecasts exceeded as often, and as independently, as they said?
scores       which of two forecasts of the tail was better
comparison   is one policy better than another, after how many were tried
"""
