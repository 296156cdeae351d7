"""Two models of random weights for a real vLLM: a Llama of two layers for completions, a BERT for embeddings.

    ENVIRONMENT/bin/python tiny_models.py FOLDER    # FOLDER/chat and FOLDER/embedding
"""

import sys
from pathlib import Path


def make_models(folder):
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(1)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<unk>", "<s>", "</s>", "[CLS]", "[SEP]", "[PAD]", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    words = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]"
    )
    words.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    size = len(vocabulary)
    llama = LlamaConfig(
        vocab_size=size,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
    )
    bert = BertConfig(vocab_size=size, hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=512)
    for name, model in (("chat", LlamaForCausalLM(llama)), ("embedding", BertModel(bert))):
        model.save_pretrained(folder / name)
        words.save_pretrained(folder / name)


if __name__ == "__main__":
    make_models(Path(sys.argv[1]))
