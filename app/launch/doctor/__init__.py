"""`palate doctor`: what an instance needs, looked at one by one."""
