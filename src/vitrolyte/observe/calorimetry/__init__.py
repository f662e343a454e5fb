"""What a calorimeter sees of a glass: its transition, its crystallisation, their rates."""
