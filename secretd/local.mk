# secretd
