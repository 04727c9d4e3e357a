"""Forecasts of one asset's returns; they never see the book or the mandate.

    data/            files ─► validated bars ─► core.market.PriceHistory, snapshots by content hash
    features         log returns, volatility windows
    volatility       EWMA, GARCH(1,1)-t             closed_form   the SmartLTV formula
    empirical        filtered historical simulation with a GPD tail
    quantile_network torch, quantiles of several horizons         training   its visible loop
    cards            model cards                    evaluation    walk-forward pinball loss

Axes of every array: ``path, step, bar, feature, horizon, level``.
"""
