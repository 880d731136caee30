"""How much a customer may get, and when: windows of contact pressure, quiet hours, capacities of channels."""
