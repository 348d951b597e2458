"""The questions that an application's plan must answer before it is deployed, answered for a lab from its files.

They follow the twelve factors (https://12factor.net), between what the machines must offer and what is at the edge.
"""
