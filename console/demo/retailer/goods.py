"""What the retailer sells: a few articles sell often and most seldom, as ranks in Zipf's law."""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import Any, Final, NamedTuple


class Product(NamedTuple):
    """One article, at a price in francs."""

    id: str
    name: str
    category: str
    price: float


PRODUCTS: Final = tuple(
    Product(f"P{number:02d}", name, category, price)
    for number, (name, category, price) in enumerate(
        (
            ("Turnschuh weiss", "Schuhe", 119.00), ("Jeans gerade", "Hosen", 109.90),
            ("T-Shirt, zwei Stück", "Wäsche", 39.90),
            ("Leinenhemd", "Hemden", 79.90), ("Merinopullover", "Strick", 119.90),
            ("Socken, drei Paar", "Wäsche", 24.90),
            ("Sommerkleid", "Kleider", 129.90), ("Chino", "Hosen", 89.90), ("Schal", "Accessoires", 49.90),
            ("Oxfordhemd", "Hemden", 69.90), ("Strickjacke", "Strick", 139.90),
            ("Mütze", "Accessoires", 34.90),
            ("Regenmantel", "Jacken", 189.90), ("Ledergürtel", "Accessoires", 59.90),
            ("Flanellhemd", "Hemden", 59.90),
            ("Wickelkleid", "Kleider", 149.90), ("Stiefelette", "Schuhe", 169.00),
            ("Cordhose", "Hosen", 99.90),
            ("Umhängetasche", "Accessoires", 139.00), ("Rollkragenpullover", "Strick", 99.90),
            ("Daunenjacke", "Jacken", 249.00),
            ("Seidenbluse", "Hemden", 159.90), ("Strickkleid", "Kleider", 159.90),
            ("Wanderschuh", "Schuhe", 199.00),
            ("Handschuhe", "Accessoires", 69.90), ("Pyjama", "Wäsche", 79.90),
            ("Faltenjupe", "Kleider", 119.90),
            ("Wollmantel", "Jacken", 329.00), ("Blazer", "Jacken", 229.00), ("Abendkleid", "Kleider", 289.00),
        ),
        1,
    )
)  # fmt: skip
_ZIPF: Final = tuple(accumulate(1 / (rank + 3) for rank in range(len(PRODUCTS))))
_SIZES: Final = (1, 1, 1, 1, 1, 2, 2, 2, 3, 4)


def product(name: str) -> Product:
    """An article by its name."""
    return next(each for each in PRODUCTS if each.name == name)


def one(dice: Random) -> Product:
    """An article that somebody looks at."""
    return dice.choices(PRODUCTS, cum_weights=_ZIPF)[0]


def some(dice: Random) -> list[Product]:
    """What lies in a basket: one to four articles."""
    return dice.choices(PRODUCTS, cum_weights=_ZIPF, k=dice.choice(_SIZES))


def total(products: list[Product]) -> float:
    """Francs."""
    return round(sum(each.price for each in products), 2)


def lines(products: list[Product]) -> list[dict[str, Any]]:
    """The `products` of an order."""
    return [
        {
            "product_id": each.id,
            "name": each.name,
            "category": each.category,
            "price": each.price,
            "quantity": 1,
        }
        for each in products
    ]
