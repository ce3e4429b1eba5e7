from app import lean as lean
