"""The product, the same in every architecture: photos, pages, the JSON API, and the seam `Predictor`.

It knows no model. What a photo shows is asked through `webapp.predictor`; where the answer comes from is each
variant's secret.
"""
