"""Forecasts of one asset's returns; they never see the book or the mandate.

    data/             files ─► validated bars ─► core.market.PriceHistory; snapshots by content hash;
                      recorded liquidations and parameter changes
    features          log returns, volatility recursions            quantiles   of simulated paths
    volatility        EWMA, GARCH(1,1)-t                            closed_form the SmartLTV formula
    empirical         filtered historical simulation, GPD tail
    quantile_network  several horizons, quantiles that cannot cross training    its visible loop, adam
    quantile_model    the network behind the port; checkpoints by content hash
    catalogue         the models by name
    cards             model cards                                   evaluation  walk-forward pinball loss

Axes of every array: ``path, step, bar, feature, horizon, level``.
"""
