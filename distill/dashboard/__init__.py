"""The page in the browser: train, look after the library, make new sounds. Needs Gradio."""
