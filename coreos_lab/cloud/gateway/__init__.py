"""API Gateway: REST APIs, the stages that answer, and the functions behind them."""
