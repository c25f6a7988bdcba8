"""What every service of the mesh needs and none owns. It knows no domain."""
